// Package webhook is the door: what GitHub sends comes in here, and nothing else does.
//
// It has two halves, which a delivery meets at different times:
//
//   - Handler answers the HTTP request. It proves that GitHub sent the body (HMAC-SHA256), hands it to the Inbox, and says
//     202 only once the Inbox has it for good. It looks at nothing else in the body but the installation's id, holds
//     nothing in memory between two requests, and decides nothing.
//   - Route is called later, from the queue, with what the Inbox kept. It is a pure function that says which subjects to
//     look at again, or by which named rule there is nothing to look at.
//
// A payload is only a hint. That an event comes late, twice, or out of order changes nothing: all facts are read again
// when the subject is walked, so Route takes from a payload no more than the subject's name.
package webhook
