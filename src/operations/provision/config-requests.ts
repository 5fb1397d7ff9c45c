import { AgentError } from '../../core/errors.ts'
import type { Journal } from '../../core/journal.ts'
import type { Asked } from '../../core/operator.ts'
import { nameFault } from '../../core/provision/approval.ts'
import type { MachineConfigRequests, RenderMachine } from '../../core/provision/config-requests.ts'
import { type Machine, machineKind, type MachineOrder } from '../../core/provision/machine.ts'
import { type Claim, idOf, readClaim } from '../../core/provision/question.ts'
import type { ConfigRenderer } from '../../core/provision/render.ts'
import { beginningWith, findNamed } from './named.ts'
import { importSecrets, type SecretsMeans } from './secrets-request.ts'
import { nameOf } from './wording.ts'

export interface ConfigMeans {
  readonly renderer: ConfigRenderer
  readonly secrets: SecretsMeans
}

/** So many machines are looked through for the one that is meant. */
const mostMachines = 1_000

/** Requests about the configurations of machines. */
export function createConfigRequests(means: ConfigMeans | undefined, journal: Journal): MachineConfigRequests<Asked> {
  const need = () => {
    if (!means) throw new AgentError('rejected', 'only a daemon makes machine configurations')
    return means
  }
  return {
    importSecrets: async (request, asked) => importSecrets(need().secrets, journal, request, asked),
    render: async (request) => {
      const { renderer } = need()
      const { order, claim } = chooseOrder(renderer, journal.records(machineKind).newest(mostMachines), request)
      const { masked, diff, contract, installs, patches, warnings } = await renderer.render(order, claim)
      const made = { contract, installs, patches, warnings, masked: linesOf(masked), diff: linesOf(diff) }
      return { name: order.name, role: order.role, ...made }
    },
  }
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/**
 * What a machine is to become, and what it says of itself: what is asked for comes before what was approved, and that before what is
 * written.
 *
 * @throws AgentError `not-found` where there is no such machine, `misconfigured` where it is not said what it becomes
 */
export function chooseOrder(
  renderer: Pick<ConfigRenderer, 'match' | 'named' | 'choices'>,
  machines: readonly Machine[],
  request: RenderMachine,
): { readonly order: MachineOrder; readonly claim: Claim } {
  const named = renderer.named(request.machine)
  const found = named ? undefined : findMachine(renderer, machines, request.machine)
  // With a role it may also be one that nobody knows yet.
  if (!named && !found && request.role === undefined)
    throw new AgentError(
      'not-found',
      `no machine is called ${request.machine}, neither in machines.yaml nor among those that have asked`,
    )
  const [part] = named || found ? [] : beginningWith(request.machine, machines)
  if (part !== undefined && request.name === undefined)
    throw new AgentError('misconfigured', `${request.machine} is where ${part} begins: name it whole`)
  const claim = found?.claim ?? (named ? {} : readClaim({ uuid: request.machine, mac: request.machine }))
  const approved = found?.machine.approval?.order ?? found?.machine.order
  const written = (approved && renderer.named(approved.name)) ?? named ?? renderer.match(claim)
  const own = found || idOf(claim) !== undefined ? undefined : request.machine
  const name = request.name ?? approved?.name ?? written?.name ?? own
  const role = request.role ?? approved?.role ?? written?.role
  if (name === undefined)
    throw new AgentError('misconfigured', `say what ${request.machine} is to be called: --name NAME`)
  const fault = nameFault(name)
  if (fault !== undefined)
    throw new AgentError(
      'misconfigured',
      name === request.name ? fault : `no machine is called ${request.machine}, and ${fault}`,
    )
  if (role === undefined)
    throw new AgentError('misconfigured', `say what ${request.machine} is to become: --role worker or controlplane`)
  return {
    claim,
    order: {
      name,
      role,
      labels: request.labels ?? approved?.labels ?? written?.labels ?? {},
      patches: request.patches ?? approved?.patches ?? written?.patches ?? [],
    },
  }
}

/**
 * As everywhere else; the claimant that is meant, else the one that asked last.
 *
 * @throws AgentError `misconfigured` where several are meant
 */
function findMachine({ match }: Pick<ConfigRenderer, 'match'>, machines: readonly Machine[], called: string) {
  try {
    const found = findNamed(called, { machines, seen: [], nameOf: (one) => nameOf(one, (claim) => match(claim)?.name) })
    if (found.kind === 'seen') return undefined
    const { machine, claimant } = found
    const asking = claimant ?? machine.claimants.find(({ address }) => address === called) ?? machine.claimants[0]
    return { machine, claim: asking?.claim ?? machine.approval?.claim ?? {} }
  } catch (error) {
    if (error instanceof AgentError && error.code === 'not-found') return undefined
    throw error
  }
}
