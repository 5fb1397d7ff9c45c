import process from 'node:process'
import { AgentError } from '../core/errors.ts'
import { loadSettings } from '../main/settings.ts'
import { command, exit, print } from './shell.ts'

export function addUpsCommand(): void {
  command('ups', 'everything that the UPS tells', async (options) => {
    const settings = await loadSettings(options.config, process.env)
    const { openUpses } = await import('../main/wiring.ts')
    const [ups] = (await openUpses(settings)).values()
    if (!ups) throw new AgentError('misconfigured', `${settings.file} names no UPS under upses`)
    const details = await ups.details(AbortSignal.timeout(10_000))
    print(options, details, JSON.stringify(details))
    return exit.ok
  })
}
