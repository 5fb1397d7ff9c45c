import type { ErrorCode } from '../../core/errors.ts'

/**
 * Not there yet, or not able to just now (etcd-io/etcd api/v3rpc/rpctypes, siderolabs/talos pkg/machinery/client). A
 * certificate that begins later than now is one too (golang/go crypto/x509 verify.go): a board without a clock of its own
 * boots in the past, until it has asked a time server.
 */
const notYet =
  /etcdserver: (no leader|leader changed|not leader|not healthy|unhealthy cluster|too many requests|server stopped)|raft: stopped|etcd cluster is unavailable|Locked by another session|no controlplane endpoints discovered yet|current time \S+ is before/i

/** So much of a text is read at each of its ends, in characters. */
const readAtEnd = 2_048

const tooLate = /\btimed?[ -]?outs?\b|deadline exceeded/i

/** Go's net and net/http, the kernel's errno as Go words it, and what gRPC says of a service that went away (containerd restarts). */
const outOfReach =
  /connection (refused|reset|lost|closed)|no route to host|host is down|(network|host) is unreachable|no such host|server misbehaving|temporary failure|no such file or directory.*\bdial unix|dial unix\b.*no such file|broken pipe|closed network connection|\bEOF\b|server (sent GOAWAY|closed idle connection)|stream error: stream ID|context canceled|too ?many ?requests|service unavailable|bad gateway|gateway time-?out|internal server error|ttrpc: closed|transport is closing|client connection is closing|cannot assign requested address|resource temporarily unavailable|failed size validation|\blookup \S+(?: on \S+)?: (?:no answer|lame referral|device or resource busy|DNS name does not exist)|stream terminated by RST_STREAM|code = (?:Unavailable|DeadlineExceeded|Canceled|Aborted|ResourceExhausted)\b/i

/** Answers of a web server that another try may not get: 500 and the like, too many requests, and timeouts. */
const isPassing = (status: number) =>
  status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501)

/**
 * Classifies an error of Go that has only a text: of a registry, of etcd, of a socket. Where a web
 * server answered, its status decides (containerd core/remotes/docker: `unexpected status from HEAD request to https://…:
 * 503 Service Unavailable`; google/go-containerregistry: `unexpected status code 429`); what else passes is what could
 * not be reached, or was not there yet. Names and addresses in it are not read.
 */
export function classOfText(text: string): ErrorCode {
  // Quotes also hold whole errors (`desc = "transport: …"`): what has no space in it is a name.
  const words = endsOf(text).replace(/"[^"\s]*"|\b[a-z]+:\/\/[^\s"]+/g, ' ')
  const status = webStatusIn(words)
  if (status !== undefined) return isPassing(status) ? 'unreachable' : 'rejected'
  if (notYet.test(words)) return 'not-now'
  if (tooLate.test(words)) return 'timed-out'
  return outOfReach.test(words) ? 'unreachable' : 'rejected'
}

/** Both ends of a text that is far longer than an error is: a registry's whole page, for instance. */
function endsOf(text: string): string {
  return text.length <= 2 * readAtEnd ? text : `${text.slice(0, readAtEnd)} ${text.slice(-readAtEnd)}`
}

/** `500` of `unexpected status code 500`, of `HTTP 500` and of `500 Internal Server Error`; the last where there are more. */
function webStatusIn(words: string): number | undefined {
  const found = [
    ...words.matchAll(/(?:\bstatus(?: code)?\b[^\d]*?|\bHTTP )(?<![\w./-])([45]\d\d)(?![\w./-])/gi),
    ...words.matchAll(/(?<![\w.:/-])([45]\d\d) (?=[A-Z<])/g),
  ]
  const last = found.sort((a, b) => a.index + a[0].length - (b.index + b[0].length)).at(-1)
  return last ? Number(last[1]) : undefined
}
