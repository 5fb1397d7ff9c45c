import process from 'node:process'
import { counted } from '../core/count.ts'
import { AgentError } from '../core/errors.ts'
import { type Fault, faultAnswer, faultLine, faultsOf, FaultsError, unplaced } from '../core/fault.ts'
import { printable } from '../core/printable.ts'
import { findConfigFile } from '../main/config-place.ts'
import type { CheckAnswer } from './check.ts'
import { fail, failureAnswer } from './failure.ts'
import { output } from './output.ts'
import type { OnlineFault } from './online.ts'
import { notRemote } from './server.ts'
import { command, exit, group, type Options, print } from './shell.ts'

/** Adds `config check`. */
export function addConfigCommands(): void {
  group('config', 'the configuration')
  command(
    'config check [file]',
    'check the configuration and the files that it refers to',
    async (options, [file], extra) => {
      if (options.server !== undefined) throw notRemote('a configuration is checked')
      const named = file ?? options.config
      return tell(options, await (extra['online'] === true ? checkWhole(named) : check(named)))
    },
  ).option('--online', 'also check it against the nodes, Kubernetes, UPSes, hosts, channels, the share and the Factory')
}

/** Everything about a configuration, as `config check --online` finds it. */
export async function checkWhole(named: string | undefined): Promise<CheckAnswer> {
  const found = await check(named)
  return found.faults.length === 0 ? checkOnline(found) : found
}

/** A file that is none to read is a fault of the configuration as any other. */
async function check(named: string | undefined): Promise<CheckAnswer> {
  const { checkConfiguration } = await import('./check.ts')
  return checkConfiguration(named, process.env, process.geteuid?.() ?? 0).catch((error: unknown) => {
    if (!(error instanceof AgentError)) throw error
    const file = findConfigFile(named, process.env)
    const faults = faultsOf(error).map((fault) => ({ ...fault, file: fault.file ?? file }))
    return { file, faults, ofShape: faults.length, warnings: [], credentials: [], settings: undefined }
  })
}

/** The same with what the homelab says to it. */
async function checkOnline(found: CheckAnswer): Promise<CheckAnswer> {
  const { file, settings } = found
  if (settings === undefined) return found
  const online = await import('./online.ts')
  const { faults, warnings } = await online.checkOnline(settings, AbortSignal.timeout(120_000))
  const placed = ({ setting, message }: OnlineFault): Fault => ({ ...unplaced(message, file), setting })
  return { ...found, faults: faults.map(placed), warnings: [...found.warnings, ...warnings.map(placed)] }
}

async function tell(options: Options, { file, faults, warnings, credentials, ofShape }: CheckAnswer): Promise<number> {
  const isValid = faults.length === 0
  const failure = isValid
    ? { faults: [] }
    : failureAnswer('misconfigured', `${counted(faults.length, 'fault')} in the configuration`, faults)
  // As for every other command a file that is no configuration is an error of its own.
  if (ofShape > 0 && !options.json) fail(new FaultsError(faults))
  else
    await print(
      options,
      { file: file ?? null, ...failure, warnings: warnings.map(faultAnswer), credentials },
      isValid ? `${file} is valid` : faults.map((fault) => printable(faultLine(fault))).join('\n'),
    )
  // On stderr: neither a doubt nor an expiry date is an error.
  const notes = [...warnings.map((fault) => `warning: ${faultLine(fault)}`), ...credentials]
  if (!options.json) for (const line of notes) output.note(line)
  return isValid ? exit.ok : exit.usage
}
