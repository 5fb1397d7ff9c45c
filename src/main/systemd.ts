import { spawn } from 'node:child_process'
import { fstatSync, readlinkSync, writeSync } from 'node:fs'
import type { Logger } from '../core/log.ts'

/** systemd, or whatever speaks its protocol, which has started this process and waits to hear from it. */
export interface Supervisor {
  /** It restarts a process that says nothing for so long, in ms; undefined where it does not. */
  readonly restartsAfter: number | undefined
  /** Says `READY=1`, `WATCHDOG=1` and the like (sd_notify(3)). Never throws: what was not heard is said again. */
  tell(...states: readonly string[]): void
}

type Environment = Record<string, string | undefined>

/** A `systemd-notify` that has not ended after so long hangs, in ms. */
const notifyWithin = 2_000

/**
 * The supervisor that the environment names (sd_notify(3), sd_watchdog_enabled(3)), and takes its variables out of there:
 * what we start is not to speak for us. Undefined where there is none.
 *
 * Node has no datagram sockets of unix. Who starts us may have opened one (config/install/caretaker.pl): a message is then
 * one write, which no shortage of memory or processes can keep from being made. Without, `systemd-notify` is started each
 * time.
 */
export function takeSupervisor(
  environment: Environment,
  self: { readonly pid: number; readonly parent: number | undefined },
  log: Pick<Logger, 'warn'>,
): Supervisor | undefined {
  const take = (name: string) => {
    const value = environment[name]
    delete environment[name]
    return value === '' ? undefined : value
  }
  const socket = take('NOTIFY_SOCKET')
  const [descriptor, opened] = (take('CARETAKER_NOTIFY_FD') ?? '').split(' ')
  const [usec, pid] = [Number(take('WATCHDOG_USEC')), take('WATCHDOG_PID')]
  if (socket === undefined) return undefined
  // A launcher that had to start a newer Node is our parent, and is who was meant.
  const isMeant = pid === undefined || [self.pid, self.parent].includes(Number(pid))
  const fd = opened !== undefined && isOpen(Number(descriptor), opened) ? Number(descriptor) : undefined
  const byProgram = createNotifier(socket, environment, log)
  return {
    restartsAfter: isMeant && usec > 0 && Number.isFinite(usec) ? usec / 1_000 : undefined,
    tell: (...states) => {
      const text = states.join('\n')
      if (fd === undefined || !send(fd, text)) byProgram(text)
    },
  }
}

/** Whether the descriptor is still the socket that was handed to us. */
function isOpen(descriptor: number, opened: string): boolean {
  try {
    return fstatSync(descriptor).isSocket() && readlinkSync(`/proc/self/fd/${descriptor}`) === opened
  } catch {
    return false
  }
}

/** It does not block: a queue that is full is an error, and the next message comes soon. */
function send(descriptor: number, text: string): boolean {
  try {
    writeSync(descriptor, text)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN'
  }
}

/** Says it by `systemd-notify`, one at a time: while one runs, what came last is kept. */
function createNotifier(socket: string, environment: Environment, log: Pick<Logger, 'warn'>): (text: string) => void {
  const path = environment['PATH'] ?? '/usr/bin:/bin'
  let isRunning = false
  let waiting: string | undefined
  let hasFailed = false

  function ended(why: string | undefined): void {
    isRunning = false
    // Once: it is tried again with each message, and the log is not to fill.
    if (why !== undefined && !hasFailed) log.warn({ reason: why }, 'systemd-notify failed: systemd may restart us')
    hasFailed = why !== undefined
    const next = waiting
    waiting = undefined
    if (next !== undefined) notify(next)
  }

  function notify(text: string): void {
    if (isRunning) {
      // That we are ready, or stop, is said once, and must not be lost to the next ping.
      waiting = waiting === undefined || waiting === text ? text : `${waiting}\n${text}`.slice(0, 4_096)
      return
    }
    isRunning = true
    try {
      const child = spawn('systemd-notify', text.split('\n'), {
        env: { PATH: path, NOTIFY_SOCKET: socket },
        stdio: 'ignore',
        timeout: notifyWithin,
        killSignal: 'SIGKILL',
      })
      child.unref()
      child.once('error', ({ message }) => ended(message))
      child.once('exit', (code, signal) => ended(code === 0 ? undefined : `it ended with ${signal ?? `code ${code}`}`))
    } catch (error) {
      ended(error instanceof Error ? error.message : String(error))
    }
  }
  return notify
}
