import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { PowerAnswer, StatusAnswer } from '../../src/core/operator.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startHomelab } from '../lab/homelab.ts'
import { startUpsd } from '../lab/upsd/upsd.ts'
import { readingGaps } from './guard.ts'
import { after, goal, median, percentile, say, sleep, worst } from './measure.ts'

const net = 122
const [machines, port] = [20, 6_972]
/** How long the guard is watched, with machines that load and without, in ms. */
const watched = 100_000
/** In ms: how late the daemon's loop may be, and how much later than alone a UPS may be read. */
const allowed = 50

/** Loads the image from there, from this address. */
export type Load = (at: { readonly address: string; readonly port: number }, from: string) => Promise<unknown>

interface Guard {
  /** Between two readings of the UPS, in ms. */
  readonly gaps: readonly number[]
  /** Of the looks at the daemon's loop, one each second, those that came later than allowed, and all. */
  readonly late: number
  readonly looks: number
}

/**
 * What the guard of the power notices of machines that load at once from the daemon that it is part of: how late the daemon's loop is,
 * and when it reads its UPS.
 */
export async function measureGuard(load: Load, image: string, stack: AsyncDisposableStack): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-tftp-guard-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const at = (host: number) => `127.0.${net}.${host}`
  const upsd = stack.use(await startUpsd({ address: at(93) }))
  const lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 1 }))
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false },
    power: { pollInterval: '300ms' },
    api: { address: at(7), port: 8_420, anonymous: 'loopback' },
    bootFiles: { listen: [at(7)], tftp: { port } },
  })
  await cp(image, join(directory, 'share', basename(image)))
  const daemon = stack.use(await startDaemon({ config, directory }))
  const { control } = daemon
  await waitFor('the daemon to see mains, and to serve', 20_000, async () => {
    const { services } = await control.get<StatusAnswer>('/status')
    const { upses } = await control.get<PowerAnswer>('/power')
    const serves = services.some(({ name, state }) => name === 'boot-files' && state === 'running')
    return serves && upses[0]?.state.mode === 'on-mains'
  })
  // The start's own work is over.
  await sleep(15_000)
  const url = `http://${at(7)}:8420/metrics`
  const alone = await watchGuard(daemon, url, after(watched))
  let times = 0
  const isOver = after(watched)
  const loadAll = async () => {
    do {
      const from = (index: number) => `127.0.${net}.${100 + index}`
      const ways = Array.from({ length: machines }, (_, index) => load({ address: at(7), port }, from(index)))
      await Promise.all(ways)
      times += 1
    } while (!isOver())
  }
  const loading = loadAll()
  const loaded = await watchGuard(daemon, url, isOver)
  await loading
  report(alone, loaded, times)
}

async function watchGuard(
  daemon: Parameters<typeof readingGaps>[0],
  url: string,
  isOver: () => boolean,
): Promise<Guard> {
  const before = await readLag(url)
  const gaps = await readingGaps(daemon, isOver)
  const now = await readLag(url)
  return { gaps, late: now.late - before.late, looks: now.looks - before.looks }
}

/** Of the histogram of the loop's lag. */
async function readLag(url: string): Promise<{ readonly late: number; readonly looks: number }> {
  const text = await fetch(url).then((answer) => answer.text())
  const value = (suffix: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`caretaker_event_loop_lag_seconds_${suffix} `))
    if (line === undefined) throw new Error(`the metrics have no lag of the loop: ${text.slice(0, 200)}`)
    return Number(line.split(' ')[1])
  }
  const looks = value('count')
  return { looks, late: looks - value(`bucket{le="${allowed / 1_000}"}`) }
}

function report(alone: Guard, loaded: Guard, times: number): void {
  const show = ({ gaps }: Guard) =>
    `every ${median(gaps).toFixed(0)} ms, p99 ${percentile(gaps, 0.99).toFixed(0)}, ${worst(gaps).toFixed(0)} at the latest`
  const later = percentile(loaded.gaps, 0.99) - percentile(alone.gaps, 0.99)
  say(
    `the guard, ${machines} machines loading`,
    `reads its UPS ${show(loaded)}; alone ${show(alone)} ${goal(`p99 ≤ ${allowed} ms later`, later <= allowed)}`,
  )
  say(
    '  lag of its loop',
    `${loaded.late} of ${loaded.looks} looks later than ${allowed} ms, alone ${alone.late} of ${alone.looks}; ${times} x ${machines} images ${goal(`p99 ≤ ${allowed} ms`, loaded.late <= loaded.looks / 100)}`,
  )
}
