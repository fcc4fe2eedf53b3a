package crl

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"keyman/internal/der"
)

// WriteJSON writes the list as its Info with its entries in "entries", one after
// the other: however long it is, it takes no memory of the length of the list.
func (l *List) WriteJSON(w io.Writer) error {
	head, err := json.MarshalIndent(l.Info(), "", "  ")
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	_, _ = out.Write(bytes.TrimSuffix(head, []byte("\n}"))) // errors stay in out
	_, _ = out.WriteString(",\n  \"entries\": [")
	var line []byte
	first := true
	for e := range l.Entries() {
		line = append(line[:0], ",\n    "...)
		if first {
			line, first = line[1:], false
		}
		line = e.appendJSON(line)
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	if !first {
		_, _ = out.WriteString("\n  ")
	}
	_, _ = out.WriteString("]\n}\n")
	return out.Flush()
}

// appendJSON appends what encoding/json makes of Info, and allocates nothing.
func (e Entry) appendJSON(b []byte) []byte {
	b = append(b, `{"serial": "`...)
	b = appendSerial(b, e.Serial)
	b = append(b, `", "date": "`...)
	b = e.Date.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `", "reason": "`...)
	b = append(b, e.Reason.String()...)
	if !e.InvalidityDate.IsZero() {
		b = append(b, `", "invalidity_date": "`...)
		b = e.InvalidityDate.AppendFormat(b, time.RFC3339Nano)
	}
	return append(b, `"}`...)
}

// WriteCSV writes the entries as comma-separated values (RFC 4180) below a line
// with their names: serial, date, reason, invalidity_date.
func (l *List) WriteCSV(w io.Writer) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString("serial,date,reason,invalidity_date\r\n") // errors stay in out
	var line []byte
	for e := range l.Entries() {
		line = append(appendSerial(line[:0], e.Serial), ',')
		line = append(e.Date.AppendFormat(line, time.RFC3339), ',')
		line = append(append(line, e.Reason.String()...), ',')
		if !e.InvalidityDate.IsZero() {
			line = e.InvalidityDate.AppendFormat(line, time.RFC3339)
		}
		if _, err := out.Write(append(line, "\r\n"...)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// WriteText writes the entries, a line each: when, serial number, reason.
func (l *List) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	var line []byte
	for e := range l.Entries() {
		line = append(e.Date.AppendFormat(line[:0], "2006-01-02 15:04:05 UTC"), "  "...)
		line = append(appendSerial(line, e.Serial), "  "...)
		line = append(line, e.Reason.String()...)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

// appendSerial appends a serial number as der.OctetsText writes it.
func appendSerial(b, serial []byte) []byte {
	if len(serial) == 0 || serial[0]&0x80 != 0 {
		return append(b, der.OctetsText(serial)...)
	}
	if len(serial) > 1 && serial[0] == 0 {
		serial = serial[1:] // there for the sign
	}
	return hex.AppendEncode(b, serial)
}
