import { join } from 'node:path'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { entryKind } from '../../src/core/journal.ts'
import { openJournalAndAlerts } from '../../src/main/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startUpsd } from '../lab/upsd/upsd.ts'
import { startManyNodes } from './many-nodes.ts'
import { clock, cpuSeconds, goal, median, percentile, residentMb, say, sleep, worst } from './measure.ts'
import { measureOpenPages } from './open-pages.ts'
import { installPackage } from './package.ts'

const net = 204
const nodes = 50
/** As many as are kept. */
const rows = entryKind.retention.most
const questions = 400
/** Between two requests, in ms: an address may make 20 a second. */
const pace = 60
const allowed = { p99: 50, scrape: 20, kilobytes: 100, requests: 6, megabytes: 15 }

/**
 * What the pages of an installed package cost: the overview of many nodes and a full journal, the first paint, memory, scrapes,
 * and what the guard of the power notices of them.
 */
export async function measurePages(stack: AsyncDisposableStack): Promise<void> {
  const launcher = await installPackage(stack)
  const address = `127.${net}.0.94`
  const upsd = stack.use(await startUpsd({ address: `127.${net}.0.93` }))
  const upses = [{ host: upsd.address, port: upsd.port }]
  const lab = stack.use(await startManyNodes(net, nodes, { api: { address, port: 8_420 }, upses }))
  stack.defer(() => endStore(lab.directory))
  fillJournal(join(lab.directory, 'state'))
  const daemon = stack.use(await startDaemon({ config: lab.config, directory: lab.directory, launcher }))
  const published = async () => (await daemon.control.get<StatusAnswer>('/status')).published !== undefined
  await waitFor('the first image', 60_000, published, 500)
  // The start's own work is over.
  await sleep(15_000)
  const url = `http://${address}:8420`
  const idle = await residentMb(daemon.pid)
  await measureFirstPaint(url)
  await measureQuestions(`the overview, ${nodes} nodes, ${rows} rows`, allowed.p99, daemon.pid, (number) =>
    // Another query each time: nothing is shared with the one before.
    fetch(`${url}/?${number}`, { headers: { 'hx-request': 'true' } }).then((it) => it.text()),
  )
  const more = (await residentMb(daemon.pid)) - idle
  say(
    '  memory of a daemon that was asked',
    `${more.toFixed(1)} MB more ${goal(`${allowed.megabytes} MB`, more <= allowed.megabytes)}`,
  )
  await measureQuestions('a scrape', allowed.scrape, daemon.pid, () => fetch(`${url}/metrics`).then((it) => it.text()))
  await measureOpenPages({ net, address, port: 8_420, control: daemon.control })
}

async function measureQuestions(
  name: string,
  most: number,
  pid: number,
  ask: (number: number) => Promise<unknown>,
): Promise<void> {
  const [took, before]: [number[], number] = [[], await cpuSeconds(pid)]
  for (let question = 0; question < questions; question++) {
    took.push(await clock(() => ask(question)))
    await sleep(pace)
  }
  const p99 = percentile(took, 0.99)
  const cpu = (1_000 * ((await cpuSeconds(pid)) - before)) / questions
  say(
    name,
    `median ${median(took).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${worst(took).toFixed(0)} ms, ${cpu.toFixed(1)} ms of CPU each with everything that runs ${goal(`p99 ${most} ms`, p99 <= most)}`,
  )
}

async function measureFirstPaint(url: string): Promise<void> {
  const page = await fetch(url).then((it) => it.text())
  const paths = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!)
  const sizes = await Promise.all(
    paths.map(async (path) => Buffer.byteLength(await fetch(url + path).then((it) => it.text()))),
  )
  const kilobytes = sizes.reduce((sum, size) => sum + size, Buffer.byteLength(page)) / 1_000
  const requests = paths.length + 1
  say(
    'the first paint, uncompressed',
    `${kilobytes.toFixed(0)} kB in ${requests} requests ${goal(`${allowed.kilobytes} kB, ${allowed.requests}`, kilobytes <= allowed.kilobytes && requests <= allowed.requests)}`,
  )
}

function fillJournal(state: string): void {
  const { journal } = openJournalAndAlerts(state, silentLog, undefined, false)
  const entries = journal.records(entryKind)
  const now = Date.now()
  for (let id = 1; id <= rows; id++)
    entries.save(
      {
        id,
        at: new Date(now - (rows - id) * 4_000).toISOString(),
        kind: id % 9 === 0 ? 'event' : 'step',
        subject: `w-${id % 40}`,
        text: `drain w-${id % 40}: done`,
      },
      'later',
    )
  journal.write({ kind: 'event', text: 'filled' })
  journal[Symbol.dispose]()
}
