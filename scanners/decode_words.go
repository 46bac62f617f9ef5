package scanners

import (
	"encoding/binary"
	"math/bits"
)

const ones, tops = 0x0101010101010101, 0x8080808080808080

// inRun sets, for eight bytes at once, the upper bit of each that may be in a run: from '+' to '9', and with the bit
// 0x20 set from 'a' on. That lets a few pass that are not, such as full stops and brackets.
func inRun(v uint64) uint64 {
	low := v &^ tops
	letter := (low | ones*0x20) + ones*(0x80-'a')
	number := (low + ones*(0x80-'+')) &^ (low + ones*(0x80-'9'-1))
	return (letter | number) & tops &^ v
}

// longEnough says whether a run around b[i:i+8] may have runMin bytes, by the words before and after it.
func longEnough(b []byte, i int) bool {
	n := 8
	if i+16 <= len(b) {
		n += bits.TrailingZeros64(tops&^noStop(binary.LittleEndian.Uint64(b[i+8:]))) / 8
	} else {
		n += len(b) - i - 8
	}
	if i >= 8 {
		n += bits.LeadingZeros64(tops&^noStop(binary.LittleEndian.Uint64(b[i-8:]))) / 8
	}
	return n >= runMin && noStop(binary.LittleEndian.Uint64(b[i:])) == tops
}

// noStop is inRun without '.' and ',', which stand in half of the words that inRun lets pass.
func noStop(v uint64) uint64 {
	stop, comma := v^ones*'.', v^ones*','
	return inRun(v) & ((stop &^ tops) + ones*0x7f | stop) & ((comma &^ tops) + ones*0x7f | comma)
}
