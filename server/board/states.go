package board

// state is one tile of the map.
type state struct {
	code, name string
	people     int // residents, census of 2020
	col, row   int // 1-based place in a grid of 11 columns and 8 rows
}

// states are the fifty and the capital's district.
func states() []state {
	return []state{
		{"AL", "Alabama", 5_024_279, 7, 7},
		{"AK", "Alaska", 733_391, 1, 1},
		{"AZ", "Arizona", 7_151_502, 2, 6},
		{"AR", "Arkansas", 3_011_524, 5, 6},
		{"CA", "California", 39_538_223, 1, 5},
		{"CO", "Colorado", 5_773_714, 3, 5},
		{"CT", "Connecticut", 3_605_944, 10, 4},
		{"DE", "Delaware", 989_948, 10, 5},
		{"DC", "District of Columbia", 689_545, 9, 6},
		{"FL", "Florida", 21_538_187, 9, 8},
		{"GA", "Georgia", 10_711_908, 8, 7},
		{"HI", "Hawaii", 1_455_271, 1, 8},
		{"ID", "Idaho", 1_839_106, 2, 3},
		{"IL", "Illinois", 12_812_508, 6, 3},
		{"IN", "Indiana", 6_785_528, 6, 4},
		{"IA", "Iowa", 3_190_369, 5, 4},
		{"KS", "Kansas", 2_937_880, 4, 6},
		{"KY", "Kentucky", 4_505_836, 6, 5},
		{"LA", "Louisiana", 4_657_757, 5, 7},
		{"ME", "Maine", 1_362_359, 11, 1},
		{"MD", "Maryland", 6_177_224, 9, 5},
		{"MA", "Massachusetts", 7_029_917, 11, 3},
		{"MI", "Michigan", 10_077_331, 8, 3},
		{"MN", "Minnesota", 5_706_494, 5, 3},
		{"MS", "Mississippi", 2_961_279, 6, 7},
		{"MO", "Missouri", 6_154_913, 5, 5},
		{"MT", "Montana", 1_084_225, 3, 3},
		{"NE", "Nebraska", 1_961_504, 4, 5},
		{"NV", "Nevada", 3_104_614, 2, 4},
		{"NH", "New Hampshire", 1_377_529, 11, 2},
		{"NJ", "New Jersey", 9_288_994, 9, 4},
		{"NM", "New Mexico", 2_117_522, 3, 6},
		{"NY", "New York", 20_201_249, 9, 3},
		{"NC", "North Carolina", 10_439_388, 7, 6},
		{"ND", "North Dakota", 779_094, 4, 3},
		{"OH", "Ohio", 11_799_448, 7, 4},
		{"OK", "Oklahoma", 3_959_353, 4, 7},
		{"OR", "Oregon", 4_237_256, 1, 4},
		{"PA", "Pennsylvania", 13_002_700, 8, 4},
		{"RI", "Rhode Island", 1_097_379, 10, 3},
		{"SC", "South Carolina", 5_118_425, 8, 6},
		{"SD", "South Dakota", 886_667, 4, 4},
		{"TN", "Tennessee", 6_910_840, 6, 6},
		{"TX", "Texas", 29_145_505, 4, 8},
		{"UT", "Utah", 3_271_616, 2, 5},
		{"VT", "Vermont", 643_077, 10, 2},
		{"VA", "Virginia", 8_631_393, 8, 5},
		{"WA", "Washington", 7_705_281, 1, 3},
		{"WV", "West Virginia", 1_793_716, 7, 5},
		{"WI", "Wisconsin", 5_893_718, 7, 3},
		{"WY", "Wyoming", 576_851, 3, 4},
	}
}
