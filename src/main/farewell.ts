import process from 'node:process'
import type { Logger } from '../core/log.ts'
import { isWithin } from '../engine/service-life.ts'

/**
 * From the signal to the end of the process, in ms, whatever hangs, at the start as well as at the end. systemd, Docker
 * and Kubernetes wait for 10 s at the least before they kill. The services have most of it (`stopAll`), what they stand
 * on the rest.
 */
const endsWithin = 7_500
/** What closes after the services, each, in ms. */
const partWithin = 500
/** Between the end of the daemon's work and that of its process, in ms: connections that would be retried for ever. */
const lingers = 500

/** Requests that wait for a thread of libuv's pool, which the end of a process waits for (Node's own names for them). */
const usesThread = /^(FSReq|FileHandleCloseReq|GetAddrInfoReq|GetNameInfoReq|QueryReq)/

/** A part of the daemon that is left behind where it does not end in time, with a line in the log. */
export function endingInTime<Part extends AsyncDisposable>(what: string, part: Part, log: Logger): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      const ending = Promise.resolve(part[Symbol.asyncDispose]()).catch((error: unknown) =>
        log.error({ part: what, err: error }, 'a part failed while it ended'),
      )
      if (!(await isWithin(partWithin, ending)))
        log.error({ part: what }, 'a part did not stop in time; leaving it behind')
    },
  }
}

/** Ends this process after the longest farewell, should it still be there then. Call it when it is told to stop. */
export function limitFarewell(log: Pick<Logger, 'error'>): void {
  setTimeout(() => {
    log.error({ left: process.getActiveResourcesInfo() }, `still not ended after ${endsWithin / 1_000} s; leaving now`)
    leave()
  }, endsWithin).unref()
}

/** Ends this process soon, when its work is over and whatever still has a connection would keep it alive. */
export function leaveSoon(): void {
  setTimeout(leave, lingers).unref()
}

/**
 * `process.exit()` waits for every thread of libuv's pool, and a file of a share whose server is away, or a name whose DNS
 * server is, holds one for minutes. The kernel ends threads when another program takes the process's place (execve(2)).
 */
function leave(): void {
  const waits = process.getActiveResourcesInfo().some((name) => usesThread.test(name))
  const code = Number(process.exitCode ?? 0)
  if (waits) process.execve?.(process.execPath, [process.execPath, '-e', `process.exitCode = ${code}`], {})
  process.exit()
}
