// Package faults breaks things on purpose and counts what is left. Its tests start the real program with the real
// engine, send through the real doors, and kill, cut, fill, damage and pause what stands between a sender and a total.
// One oracle judges all of them: the sender's journal against what the analysts' SQL says (see audit).
//
// `go test ./faults` runs a short selection, as a part of `make test`. `make faults` runs everything many times as
// root, the log libraries and a plain ClickHouse beside it, and writes the tables of docs/reliability.md.
package faults
