import { type AgentError, messageOf } from '../core/errors.ts'
import { type Fault, faultsOf, unplaced } from '../core/fault.ts'
import { machinesFile } from '../config/machines.ts'
import { join } from 'node:path'
import { createSecretsStore } from '../main/provision/machine-secrets.ts'
import { machinesFolderOf, readMachinesFolder, valueFilesOf } from '../main/provision/machines-folder.ts'
import type { Settings } from '../main/settings.ts'
import { exposureOf } from './findings.ts'

type CheckedSettings = Pick<Settings, 'file' | 'path' | 'environment' | 'state'> & {
  readonly config: { readonly share: { readonly directory: string } }
}

export interface MachineFaults {
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/**
 * What is wrong with the files of `machines/`: their form, what they name, and settings that no release of Talos knows; and
 * with the secrets of the cluster that we keep.
 * What a machine would be refused for is known where its secrets and releases are.
 */
export async function checkMachines(settings: CheckedSettings): Promise<MachineFaults> {
  const file = join(machinesFolderOf(settings), machinesFile)
  const share = settings.path(settings.config.share.directory)
  const exposed = (await valueFilesOf(settings)).map(async ({ name, file: secret }) =>
    (await exposureOf(['values', name], secret, share)).map(({ severity, text, path }) => {
      return { severity, fault: { file, line: undefined, column: undefined, setting: path.join('.'), message: text } }
    }),
  )
  const found = (await Promise.all(exposed)).flat()
  const of = (wanted: 'error' | 'warning') =>
    found.flatMap(({ severity, fault }) => (severity === wanted ? [fault] : []))
  const faults = await readMachinesFolder(settings).then(
    (): readonly Fault[] => [],
    (error: unknown) => faultsOf(error as AgentError),
  )
  const secrets = await createSecretsStore(settings.state)
    .read()
    .then(
      (): readonly Fault[] => [],
      (error: unknown): readonly Fault[] => [{ ...unplaced(messageOf(error)), isOwn: true }],
    )
  return { faults: [...of('error'), ...faults, ...secrets], warnings: of('warning') }
}
