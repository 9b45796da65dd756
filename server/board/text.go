package board

import (
	"math"
	"strconv"
	"strings"

	"warroom/views"
)

// nothing stands where a figure can't be computed.
const nothing = "–"

// thousands puts separators into a row of digits.
func thousands(digits string) string {
	first := len(digits) % 3
	if first == 0 {
		first = min(3, len(digits))
	}
	var b strings.Builder
	b.WriteString(digits[:first])
	for i := first; i < len(digits); i += 3 {
		b.WriteString("," + digits[i:i+3])
	}
	return b.String()
}

// countText writes a count: "37,114".
func countText(n uint64) string { return thousands(strconv.FormatUint(n, 10)) }

// counted writes a count with its noun: "1 gift", "2 gifts".
func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return countText(n) + " " + many
}

func countFigure(n uint64) views.Figure {
	return views.Figure{Text: countText(n), Raw: strconv.FormatUint(n, 10), Unit: "count"}
}

// rateText writes how many there are a second: whole from ten on, "9,412" and "3.4".
func rateText(perSecond float64) string {
	if perSecond < 9.95 {
		return trimZeros(perSecond, 1)
	}
	return thousands(strconv.FormatFloat(math.Round(perSecond), 'f', 0, 64))
}

func rateFigure(perSecond float64) views.Figure {
	return views.Figure{Text: rateText(perSecond), Raw: strconv.FormatFloat(perSecond, 'f', 1, 64), Unit: "rate"}
}

// share is a part of a whole; ok is false when there is no whole.
func share(part, whole float64) (ratio float64, ok bool) {
	if whole <= 0 {
		return 0, false
	}
	return part / whole, true
}

// percentText writes a ratio with one decimal from one percent on and with up to three below: "44.1 %", "0.055 %",
// "0.08 %".
func percentText(ratio float64) string {
	percent := ratio * 100
	switch size := math.Abs(percent); {
	case size < 0.0995:
		return trimZeros(percent, 3) + " %"
	case size < 0.995:
		return trimZeros(percent, 2) + " %"
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + " %"
}

// trimZeros writes a number with at most so many decimals: "5", "0.1".
func trimZeros(x float64, decimals int) string {
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// percentFigure is a part of a whole as a figure.
func percentFigure(part, whole float64) views.Figure {
	ratio, ok := share(part, whole)
	if !ok {
		return views.Figure{Text: nothing, Unit: "percent"}
	}
	return views.Figure{Text: percentText(ratio), Raw: strconv.FormatFloat(ratio*100, 'f', 3, 64), Unit: "percent"}
}

// width is a ratio as an SVG attribute's percentage without its sign, within 0 and 100.
func width(ratio float64) string {
	return strconv.FormatFloat(100*max(0, min(ratio, 1)), 'f', 1, 64)
}

// milliseconds writes how long something takes: "212 ms", "1.2 s".
func milliseconds(ms float64) string {
	if ms < 999.5 {
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
}
