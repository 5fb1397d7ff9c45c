/** An object of an S3 store: ETag, ranges, If-Range, If-Match. */
function stored(request: IncomingMessage, body: Buffer, disposition: string): Answer {
  const etag = `"${createHash('md5').update(body).digest('hex')}"`
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    'last-modified': 'Mon, 03 Aug 2026 10:00:00 GMT',
    'content-type': 'application/octet-stream',
    'content-disposition': disposition,
    server: 'AmazonS3',
  }
  const { range = '', 'if-range': ifRange, 'if-match': ifMatch } = request.headers
  if (ifMatch !== undefined && ifMatch !== etag) return { status: 412, headers: { etag } }
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? []
  if ((first === '' && last === '') || (ifRange !== undefined && ifRange !== etag)) {
    return { status: 200, body, headers, bulk: true }
  }
  const from = first === '' ? Math.max(0, body.length - Number(last)) : Number(first)
  const to = first === '' || last === '' ? body.length - 1 : Math.min(Number(last), body.length - 1)
  if (from > to) return { status: 416, headers: { 'content-range': `bytes */${body.length}` } }
  return {
    status: 206,
    body: body.subarray(from, to + 1),
    headers: { ...headers, 'content-range': `bytes ${from}-${to}/${body.length}` },
    bulk: true,
  }
}

function denied(code: string, message: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { status: 403, body, headers: { 'content-type': 'application/xml', server: 'AmazonS3' } }
}
