package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
)

// obj is a JSON object that is expected, whole: a key more or less is a difference.
type obj = map[string]any

// between is a number that is expected only roughly: an estimate with a known error.
type between struct{ low, high float64 }

// about is a number within so much of the exact one.
func about(exact, error float64) between { return between{exact - error, exact + error} }

// words is a text that says nothing that could be counted, or that repeats numbers which are checked beside it.
type words struct{}

// comparison lays an answer beside what is expected of it. It stops after some differences: one is enough to look.
type comparison struct {
	t       *testing.T
	numbers int // compared so far
	wrong   int
}

func (c *comparison) document(path string, got json.RawMessage, want any) {
	c.t.Helper()
	var value any
	decoder := json.NewDecoder(bytes.NewReader(got))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil && len(got) > 0 {
		c.t.Errorf("%s: %v", path, err)
		return
	}
	c.same(path, value, want)
}

func (c *comparison) differ(path string, got, want any) {
	c.t.Helper()
	const most = 8
	if c.wrong++; c.wrong <= most {
		c.t.Errorf("%s: the board says %v, the journal %v", path, got, want)
	}
}

// same compares recursively. Exact numbers are compared as they are written; floats within a billionth.
func (c *comparison) same(path string, got, want any) {
	c.t.Helper()
	switch want := want.(type) {
	case obj:
		c.object(path, got, want)
	case []any:
		c.list(path, got, want)
	case judged:
		c.numbers++
		if wrong := want(got); wrong != "" {
			c.differ(path, wrong, "otherwise")
		}
	case words:
		if _, ok := got.(string); !ok {
			c.differ(path, got, "a text")
		}
	case between:
		c.numbers++
		if x, ok := number(got); !ok || x < want.low || x > want.high {
			c.differ(path, got, fmt.Sprintf("%v to %v", want.low, want.high))
		}
	case float64:
		c.numbers++
		if x, ok := number(got); !ok || math.Abs(x-want) > 1e-9*max(1, math.Abs(want)) {
			c.differ(path, got, want)
		}
	case int, int64, uint64:
		c.numbers++
		if got != json.Number(fmt.Sprint(want)) {
			c.differ(path, got, want)
		}
	default:
		if got != want {
			c.differ(path, got, want)
		}
	}
}

func (c *comparison) object(path string, got any, want obj) {
	c.t.Helper()
	o, ok := got.(obj)
	if !ok {
		c.differ(path, got, "an object")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, there := o[key]
		if !there {
			c.differ(path+"."+key, "nothing", want[key])
			continue
		}
		c.same(path+"."+key, value, want[key])
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if _, known := want[key]; !known {
			c.differ(path+"."+key, o[key], "nothing of it: compute it too")
		}
	}
}

func (c *comparison) list(path string, got any, want []any) {
	c.t.Helper()
	l, ok := got.([]any)
	if !ok || len(l) != len(want) {
		c.differ(path, fmt.Sprintf("%d entries %v", len(l), head(l)), fmt.Sprintf("%d entries %v", len(want), head(want)))
		return
	}
	for i := range want {
		c.same(fmt.Sprintf("%s[%d]", path, i), l[i], want[i])
	}
}

func head(list []any) []any { return list[:min(len(list), 5)] }

func number(x any) (float64, bool) {
	n, ok := x.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// with adds to an object.
func with(o obj, more obj) obj {
	sum := maps.Clone(o)
	maps.Copy(sum, more)
	return sum
}

// dollars is an amount of cents as the API writes it.
func dollars(cents int64) obj { return amountOf(cents, "USD", 100) }

func amountOf(minor int64, currency string, each int64) obj {
	sign, size := "", minor
	if minor < 0 {
		sign, size = "-", -minor
	}
	text := fmt.Sprintf("%s%d.%02d", sign, size/each, size%each)
	if each == 1 {
		text = fmt.Sprintf("%s%d", sign, size)
	}
	return obj{"amount_minor": minor, "currency": currency, "amount": text}
}
