//go:build unix

package crl_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"io"
	"math/big"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/crl"
)

// largeSerial returns the serial number of an entry of signedLargeList, 16 octets.
func largeSerial(n int) []byte {
	random := rand.NewPCG(1, uint64(n))
	serial := binary.BigEndian.AppendUint64(nil, random.Uint64()>>1|1<<62)
	return binary.BigEndian.AppendUint64(serial, random.Uint64())
}

// signedLargeList signs a list with many entries; every one
// or none has a reason code.
func signedLargeList(t testing.TB, ca *testCA, entries int, reasons bool) []byte {
	t.Helper()
	small, err := x509.ParseRevocationList(ca.list())
	if err != nil {
		t.Fatal(err)
	}
	var revoked []byte
	for n := range entries {
		entry := append([]byte{0x30, 0, 0x02, 16}, largeSerial(n)...)
		entry = append(entry, "\x17\x0d261101120000Z"...)
		if reasons {
			entry = append(entry, "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01"...)
		}
		entry[1] = byte(len(entry) - 2)
		revoked = append(revoked, entry...)
	}
	input := cryptobyte.String(small.RawTBSRevocationList)
	var tbs, extensions cryptobyte.String
	var present bool
	head := func(b *cryptobyte.Builder) {
		var part cryptobyte.String
		for range 5 { // version, algorithm, issuer, thisUpdate, nextUpdate
			var tag cbasn1.Tag
			if !tbs.ReadAnyASN1Element(&part, &tag) {
				t.Fatal("the small list is not as expected")
			}
			b.AddBytes(part)
		}
	}
	if !input.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		t.Fatal("the small list is not as expected")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		head(b)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(revoked) })
		if !tbs.ReadOptionalASN1(&extensions, &present, cbasn1.Tag(0).Constructed().ContextSpecific()) || !present {
			t.Fatal("the small list is not as expected")
		}
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(extensions) })
	})
	signed := b.BytesOrPanic()
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm struct{ ID asn1.ObjectIdentifier }
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: signed}, struct{ ID asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		bits(signDigest(t, ca.key, signed))})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// largeLists are those of the benchmarks.
var largeLists = []struct {
	name    string
	entries int
	reasons bool
}{
	{"1M", 1_000_000, false}, {"1M-reasons", 1_000_000, true}, {"2M", 2_000_000, false}, {"2M-reasons", 2_000_000, true},
}

// processorTime returns that of the process, user and system.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// reportProcessorTime adds the processor time of an operation to the results: on
// a busy machine the other time says little.
func reportProcessorTime(b *testing.B) {
	start := processorTime(b)
	b.Cleanup(func() { b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op") })
}

// onlyReader hides what else a reader can do.
type onlyReader struct{ io.Reader }

// BenchmarkParse reads, indexes and verifies large lists, as from the network;
// the last is crypto/x509, which makes no index.
func BenchmarkParse(b *testing.B) {
	ca := newCA(b, "CA")
	for _, c := range largeLists {
		der := signedLargeList(b, ca, c.entries, c.reasons)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(der)))
			b.ReportAllocs()
			reportProcessorTime(b)
			for b.Loop() {
				l, err := crl.Parse(onlyReader{bytes.NewReader(der)}, crl.Limits{MaxBytes: crl.MaxMaxBytes})
				if err != nil || l.Len() != c.entries {
					b.Fatal(err)
				}
				if err := l.CheckSignatureFrom(ca.cert, false); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"-crypto-x509", func(b *testing.B) {
			b.SetBytes(int64(len(der)))
			b.ReportAllocs()
			reportProcessorTime(b)
			for b.Loop() {
				l, err := x509.ParseRevocationList(der)
				if err != nil || len(l.RevokedCertificateEntries) != c.entries {
					b.Fatal(err)
				}
				if err := l.CheckSignatureFrom(ca.cert); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLookup looks for serial numbers that are in a list, and that are not.
func BenchmarkLookup(b *testing.B) {
	ca := newCA(b, "CA")
	for _, entries := range []int{10_000, 1_000_000} {
		l := mustParse(b, signedLargeList(b, ca, entries, true))
		for _, c := range []struct {
			name  string
			first int
			found bool
		}{{"found", 0, true}, {"absent", entries, false}} {
			var serials []*big.Int
			for n := range min(entries, 1<<17) {
				serials = append(serials, new(big.Int).SetBytes(largeSerial(c.first+n*7%entries)))
			}
			b.Run(strconv.Itoa(entries)+"-"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				reportProcessorTime(b)
				n := 0
				for b.Loop() {
					if _, ok := l.Lookup(serials[n%len(serials)]); ok != c.found {
						b.Fatal(ok)
					}
					n++
				}
			})
		}
	}
}

// BenchmarkReopen opens a list of the cache, and checks its signature, which reads
// all of it.
func BenchmarkReopen(b *testing.B) {
	ca := newCA(b, "CA")
	l := mustParse(b, signedLargeList(b, ca, 1_000_000, true))
	dir := b.TempDir()
	put := crl.Found{List: l, Place: "a", Signer: ca.cert, At: now}
	if _, err := newCache(b, dir, 0).Put(b.Context(), put); err != nil {
		b.Fatal(err)
	}
	for name, verify := range map[string]bool{"open": false, "open-and-verify": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			reportProcessorTime(b)
			for b.Loop() {
				lists, err := cached(newCache(b, dir, 0))
				if err != nil || len(lists) != 1 || lists[0].Len() != l.Len() {
					b.Fatal(err)
				}
				if verify && lists[0].CheckSignatureFrom(ca.cert, false) != nil {
					b.Fatal("the signature")
				}
			}
		})
	}
}
