/** What a request says of the bytes that it is about. */
export interface Precondition {
  /** `If-Match` and `If-Unmodified-Since`, as they came. */
  readonly match: string | undefined
  readonly unmodifiedSince: string | undefined
}

/**
 * Whether a request is about other bytes than there are (RFC 9110, 13.1.1 and 13.1.4): the answer is 412. EDK2 says so where it goes
 * on with a download that broke off (HttpBootGetBootFile), and would put the rest of another image behind what it has.
 *
 * @param file its ETag, and when it was written, in ms since the epoch
 */
export function isOutdated(
  { match, unmodifiedSince }: Precondition,
  { etag, writtenAt }: { readonly etag: string; readonly writtenAt: number },
): boolean {
  if (match !== undefined) {
    const tags = match.split(',').map((tag) => tag.trim())
    return !tags.includes('*') && !tags.includes(etag)
  }
  const since = Date.parse(unmodifiedSince ?? '')
  // HTTP's times have whole seconds.
  return !Number.isNaN(since) && Math.floor(writtenAt / 1_000) * 1_000 > since
}
