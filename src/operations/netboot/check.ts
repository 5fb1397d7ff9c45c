import type { Config } from '../../config/config.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import {
  type BootFinding,
  chooseBoot,
  type ChosenBoot,
  judgeOffers,
  judgeRead,
  type ReadBoot,
  type WantedBoot,
} from '../../core/netboot/check.ts'
import type { Question, SeenOffer } from '../../core/netboot/dhcp/question.ts'
import type { NetbootProbe } from '../../core/netboot/ports.ts'
import type { NetbootCheck, NetbootCheckRequest } from '../../core/netboot/requests.ts'
import { type Architecture, imagesOf } from '../../core/release/image.ts'
import type { Ports } from '../../core/ports.ts'
import type { RequestMeans } from '../request.ts'
import { bootFilesOf, hasProxy, tftpServerOf } from './boot-files.ts'
import type { MachineStanding } from './standing.ts'

/** How long servers are waited for, in ms: UEFI firmware waits 4 s, and dnsmasq tries an address for 3 s before it offers it. */
const offersWithin = 4_500
const againWithin = 2_000
const readWithin = 10_000

/** The card of no machine: locally administered. */
const nobody = '02:63:61:72:65:01'

/** Asks as firmware does, says who offers what, and reads from the server that was told. */
export async function checkNetboot(
  means: RequestMeans,
  {
    mac = nobody,
    told,
    request,
  }: { readonly mac?: string; readonly told: MachineStanding | undefined; readonly request: NetbootCheckRequest },
  signal: AbortSignal,
): Promise<NetbootCheck> {
  const { ports } = means
  const config = means.config()
  const { architecture = imagesOf(config)[0]!.architecture, loads = 'tftp' } = request
  const question = { mac, xid: ids.next(), architecture, loads }
  const offers = await ports.netboot.discover(question, offersWithin, signal)
  const again = await askAgain(ports.netboot, question, offers, signal)
  const wanted: WantedBoot = {
    file: bootFilesOf(config, hasProxy(config) ? await ports.share.names().catch(() => []) : [])(
      architecture,
      told?.name,
    ),
    servers: await expectedServers(config, ports.netboot),
    bytes: await publishedBytes(ports, architecture),
  }
  const facts = { question, offers, again, wanted }
  const chosen = chooseBoot(facts)
  const findings: BootFinding[] = [
    ...judgeOffers(facts),
    ...(chosen ? [judgeRead(chosen, await read(ports.netboot, chosen, signal), wanted)] : []),
    ...standingFinding(told, hasProxy(config)),
  ]
  return { architecture, loads, mac, offers, ...(chosen ? { chosen } : {}), findings }
}

/** Where the file is to come from; empty where nothing says it. */
async function expectedServers(config: Config, probe: NetbootProbe): Promise<readonly string[]> {
  const own = (await probe.networks()).map(({ address }) => address)
  return [...new Set([undefined, ...own].flatMap((address) => tftpServerOf(config, address) ?? []))]
}

/** Whatever our own proxy offers to our question, it may leave the machine itself alone. */
function standingFinding(told: MachineStanding | undefined, isAnswered: boolean): readonly BootFinding[] {
  if (told === undefined || told.boots || !isAnswered) return []
  return [
    {
      verdict: 'warning',
      text: `Caretaker leaves ${told.key} alone: ${told.why}`,
      next: `\`caretaker netboot once ${told.key}\` has it boot from the network once more`,
    },
  ]
}

/** Those that firmware would ask again: they say that they are for PXE, and not what to boot. */
async function askAgain(
  probe: NetbootProbe,
  question: Question,
  offers: readonly SeenOffer[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SeenOffer>> {
  const bare = offers.filter(
    ({ classId, hasPxeOptions }) =>
      question.loads === 'tftp' && classId?.startsWith('PXEClient') === true && !hasPxeOptions,
  )
  const answers = await Promise.all(
    bare.map(async ({ server }) => [server, await probe.askAgain(server, question, againWithin, signal)] as const),
  )
  return new Map(answers.flatMap(([server, answer]) => (answer ? [[server, answer] as const] : [])))
}

async function read(probe: NetbootProbe, chosen: ChosenBoot, signal: AbortSignal): Promise<ReadBoot> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(readWithin)])
  try {
    const { bytes, size } =
      chosen.by === 'http'
        ? await probe.readByHttp(chosen.file, limited)
        : await probe.read(chosen.server, chosen.file, limited)
    return { bytes: bytes.length, size }
  } catch (error) {
    if (signal.aborted) throw error
    const late = new AgentError('timed-out', `${chosen.server} did not send ${chosen.file} in time`)
    return { why: messageOf(limited.aborted ? late : error) }
  }
}

async function publishedBytes(
  { share }: Pick<Ports, 'share'>,
  architecture: Architecture,
): Promise<number | undefined> {
  const staged = await share.staged().catch(() => [])
  return staged.find((image) => image.published && image.architecture === architecture)?.bytes
}

/** Numbers of questions: each another one, so that late answers to one are none to the next. */
const ids = {
  last: 0xca000000,
  next: () => (ids.last = (ids.last + 1) >>> 0),
}
