package simulate

import (
	"strings"
	"testing"
)

const journalText = `{"kind":"donations","type":"gift","source":"cards","id":"a","amount_minor":2500,"currency":"USD","acknowledged":false}
{"kind":"donations","type":"gift","source":"cards","id":"a","amount_minor":2500,"currency":"USD","acknowledged":true}
{"kind":"donations","type":"gift","source":"cards","id":"a","amount_minor":2500,"currency":"USD","acknowledged":false}
{"kind":"donations","type":"refund","source":"cards","id":"b","amount_minor":-1000,"currency":"USD","acknowledged":true}
{"kind":"emails","type":"send","source":"cards","id":"c","amount_minor":0,"currency":"","acknowledged":true}
{"kind":"donations","type":"gift","source":"desk","id":"a","amount_minor":700,"currency":"USD","acknowledged":false}
{"kind":"donations","type":"refund","source":"desk","id":"d","amount_minor":-50,"currency":"USD","acknowledged":false}
{"kind":"donations","type":"gift","source":"cards","id":"e","amount_minor":900,"currency":"CAD","acknowledged":true}
{"kind":"donations","type":"gi`

func TestReadJournal(t *testing.T) {
	books, err := ReadJournal(strings.NewReader(journalText))
	if err != nil {
		t.Fatal(err)
	}
	usd := books["USD"]
	cad := books["CAD"]
	if len(books) != 2 || usd.Acknowledged != (Sum{2, 1500}) || usd.Unknown != (Sum{2, 650}) ||
		cad.Acknowledged != (Sum{1, 900}) {
		t.Errorf("got %+v", books)
	}
	for sum, agree := range map[Sum]bool{
		{2, 1500}: true, {3, 2200}: true, {3, 1450}: true, {4, 2150}: true,
		{1, 1500}: false, {2, 1400}: false, {5, 2150}: false, {3, 2300}: false, {0, 0}: false,
	} {
		if usd.Agree(sum) != agree {
			t.Errorf("%+v: agrees is %v", sum, !agree)
		}
	}
}

func TestAJournalWithTwoAmountsIsRefused(t *testing.T) {
	text := journalText[:strings.Index(journalText, "\n")+1]
	if _, err := ReadJournal(strings.NewReader(text + strings.Replace(text, "2500", "2600", 1))); err == nil {
		t.Error("no error")
	}
}
