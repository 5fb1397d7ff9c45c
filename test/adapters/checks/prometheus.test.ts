import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createChecks } from '../../../src/adapters/checks/checks.ts'
import { type LabAnswer, type LabPrometheus, startPrometheus } from '../../lab/prometheus.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let prometheus: LabPrometheus
beforeEach(async () => {
  prometheus = await startPrometheus('/prometheus')
})
afterEach(() => prometheus[Symbol.asyncDispose]())

const objects = { find: () => Promise.reject(new Error('no object is asked for here')) }
const run = (query: string, { url = prometheus.url, timeout = 5_000, signal = soon() } = {}) =>
  createChecks({ objects, timeout }).run({ name: 'ceph', prometheus: { url, query } }, signal)
const runFor = (answer: LabAnswer) => {
  prometheus.answers.set('up', answer)
  return run('up')
}
const series = (value: string, metric: Record<string, string> = {}) => ({ metric, value: [1_795_316_400.123, value] })
const range = (values: string[], metric: Record<string, string> = {}) => ({
  metric,
  values: values.map((value, index) => [1_795_316_400 + index, value]),
})

describe('a query of Prometheus', () => {
  test.each<[string, LabAnswer]>([
    ['a vector', { resultType: 'vector', result: [series('1'), series('0.5'), series('-3')] }],
    ['a vector of infinity', { resultType: 'vector', result: [series('+Inf'), series('-Inf')] }],
    ['a matrix', { resultType: 'matrix', result: [range(['1', '2'])] }],
    ['a scalar', { resultType: 'scalar', result: [1_795_316_400, '2'] }],
    ['a string', { resultType: 'string', result: [1_795_316_400, 'ok'] }],
  ])('passes with %s in which nothing is 0', async (_, answer) => {
    expect(await runFor(answer)).toBeUndefined()
  })

  const node = { __name__: 'up', instance: 'cp-1:9100', job: 'node' }
  test.each<{ name: string; answer: LabAnswer; why: string }>([
    { name: 'nothing', answer: { resultType: 'vector', result: [] }, why: 'the result is empty' },
    { name: 'no range', answer: { resultType: 'matrix', result: [] }, why: 'the result is empty' },
    {
      name: 'a 0',
      answer: { resultType: 'vector', result: [series('1'), series('0', node), series('0')] },
      why: 'up{instance="cp-1:9100",job="node"} is 0 (and 1 more)',
    },
    {
      name: 'a 0 with a sign',
      answer: { resultType: 'vector', result: [series('-0', { pod: 'a' })] },
      why: '{pod="a"} is -0',
    },
    {
      name: 'no number',
      answer: { resultType: 'vector', result: [series('NaN', node)] },
      why: 'up{instance="cp-1:9100",job="node"} is NaN',
    },
    {
      name: 'a 0 in a range',
      answer: { resultType: 'matrix', result: [range(['1', '0'], { pod: 'a' })] },
      why: '{pod="a"} is 0',
    },
    { name: 'a scalar of 0', answer: { resultType: 'scalar', result: [1_795_316_400, '0'] }, why: 'the result is 0' },
    {
      name: 'an empty string',
      answer: { resultType: 'string', result: [1_795_316_400, ''] },
      why: 'the result is empty',
    },
  ])('does not pass with $name', async ({ answer, why }) => {
    expect(await runFor(answer)).toBe(`ceph: ${why}`)
  })

  test('is asked as it is written, below the path of a proxy', async () => {
    const query = 'sum(rate(errors{path="/a b&c",code=~"5.."}[5m])) + 1 < bool 2 # ü'
    prometheus.answers.set(query, { resultType: 'vector', result: [series('1')] })
    expect(await run(query)).toBeUndefined()
    expect(await run(query, { url: `${prometheus.url}/` })).toBeUndefined()
    expect(prometheus.requests[0]).toMatch(/^\/prometheus\/api\/v1\/query\?query=/)
  })

  test('that Prometheus refuses does not pass, in its words', async () => {
    expect(await run('up{')).toBe(
      'ceph: Prometheus refuses the query: bad_data: invalid parameter "query": 1:1: parse error: unexpected "up{"',
    )
    expect(await runFor({ errorType: 'timeout', error: 'query timed out' })).toBe(
      'ceph: Prometheus refuses the query: timeout: query timed out',
    )
  })

  test.each<{ name: string; answer: LabAnswer; why: string }>([
    {
      name: 'a page',
      answer: { bytes: '<html>\n<h1>502 Bad Gateway', status: 502 },
      why: 'HTTP 502 without an answer of Prometheus: <html> <h1>502 Bad Gateway',
    },
    { name: 'nothing at all', answer: { bytes: '' }, why: 'HTTP 200 without an answer of Prometheus: nothing' },
    { name: 'null', answer: { bytes: 'null' }, why: 'HTTP 200 without an answer of Prometheus: null' },
    {
      name: 'no data',
      answer: { bytes: '{"status":"success"}' },
      why: 'HTTP 200 without an answer of Prometheus: {"status":"success"}',
    },
    {
      name: 'a histogram',
      answer: { resultType: 'vector', result: [{ metric: {}, histogram: [1, { count: '1', sum: '1' }] }] },
      why: 'HTTP 200 without an answer of Prometheus: {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histog…',
    },
  ])('that is answered with $name does not pass', async ({ answer, why }) => {
    expect(await runFor(answer)).toBe(`ceph: ${why}`)
  })

  test('that something else answers does not pass', async () => {
    expect(await run('up', { url: new URL(prometheus.url).origin })).toBe(
      'ceph: HTTP 404 without an answer of Prometheus: 404 page not found',
    )
  })

  test('that is answered without end is given up', async () => {
    expect(await runFor({ bytes: 'x'.repeat(5 * 1_048_576) })).toBe(
      `ceph: ${new URL(prometheus.url).host}: the answer is larger than 4 MiB`,
    )
  })

  test('that is not answered does not pass', async () => {
    prometheus.answers.set('up', 'silence')
    const late = `ceph: ${new URL(prometheus.url).host} did not answer in time`
    expect(await run('up', { timeout: 20 })).toBe(late)
    expect(await run('up', { signal: AbortSignal.timeout(20) })).toBe(late)
  })

  test('that is empty can’t be asked at all', async () => {
    expect(await refusal(run('  '))).toMatchObject({
      code: 'misconfigured',
      message: 'check ceph: the query is empty',
    })
    expect(await refusal(run('up', { url: 'prometheus:9090' }))).toMatchObject({ code: 'misconfigured' })
  })
})
