import { describeDuration } from '../core/duration.ts'
import { AgentError } from '../core/errors.ts'
import { normalMac } from '../core/address.ts'
import type { Boot } from '../core/netboot/boots.ts'
import { diagnose, rateOf } from '../core/netboot/diagnosis.ts'
import { makerOf } from '../core/netboot/firmware.ts'
import { knownMachines } from '../core/netboot/machines.ts'
import { isInNetwork } from '../core/netboot/network.ts'
import { recipeFor } from '../core/netboot/recipes/recipe.ts'
import type { BootTry, NetbootChange, NetbootMachine, NetbootRequests } from '../core/netboot/requests.ts'
import type { Asked } from '../core/operator.ts'
import { allBootFiles, httpServerOf, tftpServerOf } from './netboot/boot-files.ts'
import { checkNetboot } from './netboot/check.ts'
import type { BootKeeper } from './netboot/keeper.ts'
import { forgetEnding, type MachineStanding, standingOf, standingsIn } from './netboot/standing.ts'
import { remembered } from './facts.ts'
import { originOf, recordChange, type RequestMeans, unchanged } from './request.ts'
import { notFound } from './running-agent.ts'

export interface NetbootMeans extends RequestMeans {
  /** Who keeps what machines do that boot. */
  readonly boots: Pick<BootKeeper, 'machines' | 'onChange'>
}

/** How long a machine may take to be switched on, in ms. */
const armedFor = 86_400_000

/** Requests about machines that boot from the network. */
export function createNetbootRequests(means: NetbootMeans): NetbootRequests<Asked> {
  return {
    status: () => listed(means),
    find: ({ machine }) => {
      const { standing, tries, boot } = demand(means, machine)
      return { ...describe(standing, boot), tries: tries.map(tryOf) }
    },
    once: ({ machine, cancel }, asked) => arm(means, demand(means, machine).standing, cancel, asked),
    check: async (request, { signal }) => {
      const found = request.machine === undefined ? undefined : demand(means, request.machine)
      const mac = found?.boot.mac ?? found?.mac
      return checkNetboot(means, { ...(mac === undefined ? {} : { mac }), told: found?.standing, request }, signal)
    },
    recipe: async ({ router }) => {
      const config = means.config()
      const networks = await means.ports.netboot.networks()
      const own = networks[0]?.address
      const server = tftpServerOf(config, own) ?? own
      if (server === undefined)
        throw new AgentError(
          'misconfigured',
          'it is not known where the TFTP server is: set share.server to its IPv4 address',
        )
      const network = networks.find(({ cidr }) => isInNetwork(server, cidr))?.cidr
      return recipeFor(router, { server, files: allBootFiles(config), http: httpServerOf(config, own), network })
    },
  }
}

/** Those that have asked, the last first; then those that are to boot and have not asked. */
function listed(means: NetbootMeans): readonly NetbootMachine[] {
  const standingFor = standingsIn(means.ports.journal, means.config(), means.now().getTime())
  const seen = [...means.boots.machines.values()]
    .flatMap(([last]) => (last ? [describe(standingFor(last), last)] : []))
    .toReversed()
  const names = new Set(seen.map(({ machine }) => machine))
  const wanted = [
    ...means.config().netboot.machines.map(({ machine }) => machine),
    ...Object.keys(remembered.netbootArmed.recall(means.ports.journal) ?? {}),
  ]
  const others = [...new Set(wanted)]
    .map((one) => demand(means, one))
    .filter(({ standing: { key } }) => !names.has(key))
  return [...seen, ...others.map((one) => describe(one.standing, one.boot))]
}

function standing({ ports, config, now }: RequestMeans, boot: Pick<Boot, 'mac' | 'uuid' | 'address'>): MachineStanding {
  return standingOf(ports.journal, config(), boot, now().getTime())
}

interface Demanded {
  readonly standing: MachineStanding
  readonly tries: readonly Boot[]
  /** What it is told by: its last try, or what a person has written. */
  readonly boot: Partial<Boot>
  /** A card of its own, where it has not asked yet. */
  readonly mac: string | undefined
}

/** @throws AgentError `not-found` where there is no such machine, and it is no MAC address */
function demand(means: NetbootMeans, text: string): Demanded {
  const all = [...means.boots.machines.values()]
  const mac = normalMac(text)
  const machines = knownMachines(means.config())
  const known = machines.find(({ name, macs }) => name === text || (mac !== undefined && macs.includes(mac)))
  const tries = all.find(([last]) => {
    if (!last) return false
    if (known) return standing(means, last).name === known.name
    return (
      last.mac === (mac ?? '') || last.uuid === text.toLowerCase() || last.address === text || last.machine === text
    )
  })
  const [last] = tries ?? []
  if (tries && last) return { standing: standing(means, last), tries, boot: last, mac: last.mac }
  if (!known && mac === undefined) throw notFound('machine', text, machines)
  const own = known?.macs[0] ?? mac
  const told = { mac: own, address: known?.address }
  return { standing: standing(means, told), tries: [], boot: {}, mac: own }
}

function describe({ key, name, boots, why, armed }: MachineStanding, boot: Partial<Boot>): NetbootMachine {
  const { mac, uuid } = boot
  return {
    machine: key,
    isKnown: name !== undefined,
    mac,
    uuid,
    maker: mac === undefined ? undefined : makerOf(mac),
    boots,
    why,
    armedUntil: armed?.until,
    last: isWhole(boot) ? tryOf(boot) : undefined,
  }
}

function isWhole(boot: Partial<Boot>): boot is Boot {
  return boot.startedAt !== undefined
}

function tryOf(boot: Boot): BootTry {
  const { text, next } = diagnose(boot)
  return { ...boot, said: text, next, rate: rateOf(boot) }
}

function arm(means: NetbootMeans, { key, armed, rule }: MachineStanding, cancel: boolean, asked: Asked): NetbootChange {
  const { journal } = means.ports
  const now = means.now()
  const { [key]: _, ...others } = remembered.netbootArmed.recall(journal) ?? {}
  if (cancel) {
    if (!armed) return unchanged(`${key} was not to boot from the network once more`)
    remembered.netbootArmed.remember(journal, others)
    return recordChange(
      journal,
      { kind: 'event', subject: key, said: `${key} is not to boot from the network any more` },
      asked.by,
    )
  }
  forgetEnding(journal, key)
  const until = new Date(now.getTime() + armedFor).toISOString()
  remembered.netbootArmed.remember(journal, { ...others, [key]: { ...originOf(asked, now), until } })
  const always = rule === 'always' ? ', as it always does' : ''
  const said = `${key} boots from the network the next time that it asks, within ${describeDuration(armedFor)}${always}`
  return recordChange(journal, { kind: 'event', subject: key, said }, asked.by)
}
