/** The type (RFC 9457) of the problem of a request that this version does not know: a newer one may. */
export const unknownRequest = 'urn:caretaker:problem:unknown-request'
