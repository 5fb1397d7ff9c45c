import process from 'node:process'
import { AgentError } from '../core/errors.ts'
import { printable, printableDrawing, printableJson, printableLines } from '../core/printable.ts'

/** The one way out to a terminal: whatever anybody wrote into what is shown, the terminal does not act on it. */
export const output = {
  /** An answer for people, drawn from fields that are clean, with its line break. */
  drawing: (text: string): void => void process.stdout.write(`${printableDrawing(text)}\n`),
  /** A value for programs. */
  json: (value: unknown, indent?: number): void =>
    void process.stdout.write(`${printableJson(JSON.stringify(value, null, indent))}\n`),
  /** A picture with its own movements of the cursor, drawn from fields that are clean. */
  frame: (text: string): void => void process.stdout.write(text),
  /** How far long work is: a line that is drawn over, beside the answer. */
  progress: (text: string): void => void process.stderr.write(text),
  /** A line of the log, which main/logging.ts has cleaned. */
  log: (line: string): void => void process.stdout.write(line),
  /** What commander says of wrong usage. */
  usage: (text: string): void => void process.stderr.write(printableLines(text)),
  /** A sentence beside the answer. */
  note: (text: string): void => void process.stderr.write(`${printable(text)}\n`),
  /** A failure. Only what we say of files has several lines, and an internal error its stack. */
  failure: (error: unknown, text: string): void => {
    const isOurs = !(error instanceof AgentError) || error.code === 'misconfigured' || error.code === 'internal'
    process.stderr.write(`${isOurs ? printableLines(text) : printable(text)}\n`)
  },
}
