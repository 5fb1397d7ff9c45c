import { hash, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Answer } from './answers.ts'
import type { LabFactoryFaults } from './faults.ts'

/** The S3 store behind the Factory, which gives what was signed to whoever has the signature. */
export interface Storage {
  /** Path and query that these bytes can be had at from now on. */
  sign(key: string, body: Buffer, disposition: string): string
  answer(request: IncomingMessage): Answer
}

export function createStorage(faults: LabFactoryFaults): Storage {
  const signed = new Map<string, Buffer>()
  return {
    sign(key, body, disposition) {
      const signature = hash('sha256', randomUUID())
      signed.set(signature, body)
      const query = new URLSearchParams({
        'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
        'X-Amz-Date': new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ''),
        'X-Amz-Expires': '3600',
        'X-Amz-SignedHeaders': 'host',
        'response-content-disposition': disposition,
        'X-Amz-Signature': signature,
      })
      return `/assets/${hash('sha256', key)}?${query.toString()}`
    },
    answer(request) {
      const query = new URL(`http://storage${request.url ?? '/'}`).searchParams
      const body = signed.get(query.get('X-Amz-Signature') ?? '')
      const expired = faults.presignedExpired && request.method === 'GET'
      if (expired) faults.presignedExpired = false
      if (expired) return denied('AccessDenied', 'Request has expired')
      // What was signed is a GET, so a HEAD has the wrong signature.
      if (!body || request.method !== 'GET') {
        const why = 'The request signature we calculated does not match the signature you provided.'
        return denied('SignatureDoesNotMatch', why)
      }
      return stored(request, body, query.get('response-content-disposition') ?? '')
    },
  }
}

/** An object of an S3 store: ETag, ranges, If-Range, If-Match. */
function stored(request: IncomingMessage, body: Buffer, disposition: string): Answer {
  const etag = etagOf(body)
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

/** Computed once, as real storage does: reading a gigabyte again for each request is not what is measured. */
const etags = new WeakMap<Buffer, string>()
function etagOf(body: Buffer): string {
  const known = etags.get(body) ?? `"${hash('md5', body)}"`
  etags.set(body, known)
  return known
}
