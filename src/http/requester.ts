/** The header in which a client states who asks. Percent-encoded, because HTTP's headers are not made for names. */
export const requesterHeader = 'x-caretaker-by'

export const encodeRequester = (name: string): string => encodeURIComponent(name)

/** What was stated; as it stands where it is not encoded. */
export function decodeRequester(header: string | undefined): string | undefined {
  try {
    return header === undefined ? undefined : decodeURIComponent(header)
  } catch {
    return header
  }
}
