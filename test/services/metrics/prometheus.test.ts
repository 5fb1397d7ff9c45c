import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { createScraping } from '../../../src/services/metrics/scrape.ts'
import { lacks } from '../../lab/needs.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { openDoor, readToken } from '../api/door.ts'
import { scraped } from './scraped.ts'

/** Prometheus and Alertmanager themselves, from Debian, with what is shipped for them. */

const observability = fileURLToPath(new URL('../../../config/observability/', import.meta.url))
const programs = ['prometheus', 'prometheus-alertmanager']
const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)

test.skipIf(lacks(missing.length === 0 ? undefined : `missing: apt-get install ${missing.join(' ')}`))(
  'Prometheus scrapes with a token by the sample of its configuration, and Alertmanager hears of a UPS on battery',
  async () => {
    await using stack = new AsyncDisposableStack()
    const folder = stack.use(await temporaryFolder())
    const door = stack.use(await openDoor({ section: { anonymous: 'never' } }))
    const it = scraped()
    door.web.open({ path: '/metrics', access: 'read', answer: ({ request }) => createScraping(it.context)(request) })
    await it.it.agent.observe(new AbortController().signal)
    await it.it.reads({ status: ['OL'], charge: 100, runtime: 3_480_000 })

    const [own, alertmanager] = [await freePort(), await freePort()]
    const token = join(folder.path, 'token')
    writeFileSync(token, `${readToken}\n`)
    const sample = parse(readFileSync(join(observability, 'prometheus.yml'), 'utf8')) as Sample
    const [scrape] = sample.scrape_configs
    const config = {
      global: { evaluation_interval: '1s' },
      ...sample,
      scrape_configs: [
        {
          ...scrape,
          scrape_interval: '1s',
          scrape_timeout: '1s',
          static_configs: [{ targets: [`${door.address}:${door.port}`] }],
          authorization: { credentials_file: token },
        },
      ],
      rule_files: [join(observability, 'alerts.yml')],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanager}`] }] }] },
    }
    const file = join(folder.path, 'prometheus.yml')
    writeFileSync(file, stringify(config))
    writeFileSync(
      join(folder.path, 'alertmanager.yml'),
      stringify({ route: { receiver: 'none' }, receivers: [{ name: 'none' }] }),
    )
    stack.use(
      run('prometheus-alertmanager', [
        `--config.file=${join(folder.path, 'alertmanager.yml')}`,
        `--storage.path=${join(folder.path, 'alertmanager')}`,
        `--web.listen-address=127.0.0.1:${alertmanager}`,
        '--cluster.listen-address=',
      ]),
    )
    stack.use(
      run('prometheus', [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
      ]),
    )

    const query = async (expr: string) => {
      const answer = await ask(`http://127.0.0.1:${own}/api/v1/query?query=${encodeURIComponent(expr)}`)
      const { result = [] } = (answer as Answer | undefined)?.data ?? {}
      return result.map(({ value }) => Number(value[1]))
    }
    await expect.poll(() => query('up{job="caretaker"}')).toEqual([1])
    expect(await query('caretaker_ups_battery_charge_ratio{ups="ups"}')).toEqual([1])
    expect(await query('count(caretaker_node_healthy == 1)')).toEqual([3])
    expect(await query('caretaker_event_loop_lag_seconds_bucket{le=~"5(\\\\.0)?"}')).toEqual([0])
    const heard = async () => {
      const alerts = (await ask(`http://127.0.0.1:${alertmanager}/api/v2/alerts`)) as readonly Heard[] | undefined
      return alerts?.map(({ labels, annotations }) => `${labels['alertname']}: ${annotations['summary']}`)
    }
    await expect.poll(heard).toEqual([])

    await it.it.reads({ status: ['OB'], charge: 97, runtime: 3_000_000 })
    await expect.poll(heard).toContain('UpsOnBattery: ups is on battery')
  },
)

interface Sample {
  readonly scrape_configs: readonly [object]
}
interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}
interface Heard {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Undefined: it does not answer yet. */
async function ask(url: string): Promise<unknown> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) })
    .then((answer) => answer.json() as unknown)
    .catch(() => undefined)
}

function run(program: string, args: readonly string[]): AsyncDisposable {
  const child = spawn(program, args, { stdio: 'ignore' })
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
