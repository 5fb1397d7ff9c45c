import { execFileSync, type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** One subject of the bench. What it starts it puts on the stack, which ends it whatever becomes of the measuring. */
export type Measure = (stack: AsyncDisposableStack) => Promise<void>

export const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
export const worst = (values: readonly number[]) => Math.max(...values)

/** Of 0 to 1: what so large a part of the values is not above. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]!
}

/** Spread evenly over 0 to 1, however many there are. */
export const fraction = (index: number) => (index * 0.618_034) % 1

export const ms = (value: number) => (value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${value.toFixed(0)} ms`)
export const say = (name: string, text: string) => console.log(`${name.padEnd(34)}${text}`)
export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Answers whether so many ms have passed from now. */
export function after(ms: number): () => boolean {
  const end = performance.now() + ms
  return () => performance.now() > end
}

/** Whether a goal was reached, to stand behind its figure. */
export const goal = (words: string, reached: boolean) => `(goal ${words}: ${reached ? 'reached' : 'MISSED'})`

/** How long it takes, in ms. */
export async function clock(action: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now()
  await action()
  return performance.now() - beganAt
}

/** Measures within a limit, in ms. One that fails or takes longer is said to have, and the next one goes on. */
export async function measureWithin(name: string, limit: number, measure: Measure): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not done within ${limit / 1_000} s`)), limit)
  try {
    await Promise.race([measure(stack), late.promise])
  } catch (error) {
    say(name, `not measured: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  } finally {
    clearTimeout(timer)
  }
}

/** A Node process that does nothing: what ours are compared with. */
export function startBareNode(stack: AsyncDisposableStack): number {
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  stack.defer(() => void child.kill())
  return child.pid!
}

export async function residentMb(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024
}

const ticks = Number(execFileSync('getconf', ['CLK_TCK']).toString())

/** All that the process has had of the CPU so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const [own, system] = await cpuTimes(pid)
  return own! + system!
}

/** All that the processes have had of the CPU that this one has started and that have ended. */
export async function cpuSecondsOfEnded(): Promise<number> {
  const [, , own, system] = await cpuTimes(process.pid)
  return own! + system!
}

/** utime, stime, cutime and cstime of proc_pid_stat(5), in s. */
async function cpuTimes(pid: number): Promise<readonly number[]> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  return fields.slice(11, 15).map((field) => Number(field) / ticks)
}
