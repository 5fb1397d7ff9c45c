import { isDeepStrictEqual } from 'node:util'
import { AgentError } from '../../core/errors.ts'
import type { Journal } from '../../core/journal.ts'
import type { SecretsBundle } from '../../core/machine-config/secrets.ts'
import type { Asked } from '../../core/operator.ts'
import type { RequestAnswer } from '../../core/request-answer.ts'
import { recordChange, unchanged } from '../request.ts'

/** Where the bundle is kept. */
export interface SecretsStore {
  /** Undefined where there is none. @throws AgentError where it can't be read */
  read(): Promise<SecretsBundle | undefined>
  write(bundle: SecretsBundle): Promise<void>
}

export interface SecretsMeans {
  readonly store: SecretsStore
  /** @throws AgentError which repeats nothing of the text */
  parse(text: string): SecretsBundle
  /** Whether it is of the cluster whose credentials we have; undefined where that can't be told. */
  isOfCluster(bundle: SecretsBundle): Promise<boolean | undefined>
}

/** Takes the secrets of the cluster from a text. @throws AgentError as `MachineConfigRequests` says */
export async function importSecrets(
  { store, parse, isOfCluster }: SecretsMeans,
  journal: Journal,
  { text, replace }: { readonly text: string; readonly replace: boolean },
  { by }: Asked,
): Promise<RequestAnswer> {
  const bundle = parse(text)
  if ((await isOfCluster(bundle)) === false)
    throw new AgentError(
      'rejected',
      'these secrets are of another cluster: their Talos CA is not the one in the talosconfig; a machine with them would not join this one',
    )
  // What can't be read any more is replaced like what can.
  const before = replace ? await store.read().catch(() => undefined) : await store.read()
  if (isDeepStrictEqual(before, bundle)) return unchanged('the secrets of the cluster are these already')
  if (before !== undefined && !replace)
    throw new AgentError(
      'rejected',
      'there are other secrets already: with --replace these take their place, and machines get these from then on',
    )
  await store.write(bundle)
  const said = `the secrets of the cluster are ${before === undefined ? 'imported' : 'replaced'}`
  return recordChange(journal, { kind: 'event', subject: 'machines', said }, by)
}
