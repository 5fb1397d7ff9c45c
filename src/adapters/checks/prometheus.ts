import { withoutEnd } from '../../core/text-end.ts'
import { withoutSecrets } from '../../core/hidden.ts'
import { andMore, inWords } from './redaction.ts'

/** `<url>/api/v1/query?query=…`, below whatever path Prometheus is served at. */
export function queryUrl(base: string, query: string): URL {
  const url = new URL(base)
  url.pathname = `${withoutEnd(url.pathname, '/')}/api/v1/query`
  url.search = ''
  url.hash = ''
  url.searchParams.set('query', query)
  return url
}

/** One number of a result, and whose it is. */
interface Sample {
  /** `up{job="node"}`, or empty for a number without labels. */
  readonly of: string
  readonly value: string
}

/**
 * Why the answer of Prometheus' HTTP API to an instant query (prometheus.io/docs/prometheus/latest/querying/api) does not
 * pass: nothing in it, or a value that is 0 or no number. Undefined when it passes. `secrets` are not repeated.
 */
export function readPrometheus(status: number, text: string, secrets: readonly string[] = []): string | undefined {
  const answer = parseObject(text)
  if (answer?.['status'] === 'error') {
    const { errorType, error } = answer as { errorType?: unknown; error?: unknown }
    return `Prometheus refuses the query: ${inWords(withoutSecrets(`${String(errorType)}: ${String(error)}`, secrets))}`
  }
  const data = asObject(answer?.['data'])
  const samples = answer?.['status'] === 'success' && data ? samplesOf(data['resultType'], data['result']) : undefined
  if (!samples)
    return `HTTP ${status} without an answer of Prometheus: ${inWords(withoutSecrets(text, secrets), 80) || 'nothing'}`
  if (samples.length === 0) return 'the result is empty'
  const offenders = samples.filter(({ value }) => isZeroOrNone(value))
  const [first] = offenders
  if (!first) return undefined
  const what = first.of === '' ? 'the result' : first.of
  return `${what} is ${first.value === '' ? 'empty' : inWords(first.value, 80)}${andMore(offenders.length - 1)}`
}

/** `-0` and `0.0` are 0 too. Infinity is written `+Inf`, and is not. */
function isZeroOrNone(value: string): boolean {
  return value.trim() === '' || value === 'NaN' || Number(value) === 0
}

/** Undefined where it is none of what the API's documentation names. */
function samplesOf(type: unknown, result: unknown): Sample[] | undefined {
  if (!Array.isArray(result)) return undefined
  if (type === 'scalar' || type === 'string') return all([sampleOf('', result)])
  if (type === 'vector') return all(result.map((series) => sampleOf(labelsOf(series), asObject(series)?.['value'])))
  if (type !== 'matrix') return undefined
  return all(
    result.flatMap((series) => {
      const values = asObject(series)?.['values']
      return Array.isArray(values) ? values.map((pair) => sampleOf(labelsOf(series), pair)) : [undefined]
    }),
  )
}

/** A pair of time and value. A native histogram has neither, and can't be held against 0. */
function sampleOf(of: string, pair: unknown): Sample | undefined {
  const value: unknown = Array.isArray(pair) ? pair[1] : undefined
  return typeof value === 'string' ? { of, value } : undefined
}

function all(samples: (Sample | undefined)[]): Sample[] | undefined {
  return samples.every((sample) => sample !== undefined) ? samples : undefined
}

function labelsOf(series: unknown): string {
  const { __name__: name = '', ...labels } = asObject(asObject(series)?.['metric']) ?? {}
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return inWords(`${String(name)}{${pairs.join(',')}}`)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text))
  } catch {
    return undefined
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
