import { type DestinationStream, pino } from 'pino'
import { printable, printableJson } from '../core/printable.ts'
import type { Logger } from '../core/log.ts'

export interface LogOptions {
  readonly level: string
  /** `lines` for a person at a terminal, `json` for everything that collects logs. */
  readonly format: 'json' | 'lines'
  readonly write: (text: string) => void
}

/** Fields that may never be written, wherever they turn up. */
const secrets = [
  'password',
  'token',
  'key',
  'authorization',
  '*.password',
  '*.token',
  '*.key',
  '*.authorization',
  'err.config',
  // What ioredis was doing, with the arguments: AUTH and its password.
  'err.command',
  'err.previousErrors',
]

export function createLog({ level, format, write }: LogOptions): Logger {
  const destination: DestinationStream = {
    write: (text) => write(format === 'json' ? printableJson(text) : toLine(text)),
  }
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: secrets, censor: '(secret)' } },
    destination,
  )
}

/** What is said in the message already, or is for machines. */
const hidden = new Set(['level', 'time', 'msg', 'event', 'step', 'err', 'progress'])

function toLine(text: string): string {
  const { level, time, msg, ...fields } = JSON.parse(text) as {
    level: number
    time: string
    msg: string
    err?: { message?: string }
  }
  const mark = level >= 50 ? 'ERROR ' : level >= 40 ? 'WARN  ' : ''
  const rest = Object.entries(fields)
    .filter(([key]) => !hidden.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const error = fields.err?.message && !msg.includes(fields.err.message) ? `: ${fields.err.message}` : ''
  const line = `${time.slice(11, 19)} ${mark}${msg}${error}${rest.length > 0 ? `  (${rest.join(' ')})` : ''}`
  return `${printable(line)}\n`
}
