import { withoutEnd } from '../text-end.ts'
import { type ByteSource, malformed } from './byte-source.ts'
import type { Architecture, ImageOrder } from './image.ts'
import { type Pe, readPe } from './pe.ts'

/** What a Unified Kernel Image says of itself. */
export interface Uki {
  readonly architecture: Architecture | 'unknown'
  readonly sections: readonly UkiSection[]
  /** The fields of `.osrel`. */
  readonly osRelease: Readonly<Record<string, string>>
  /** VERSION_ID of `.osrel`, `v1.13.9`. */
  readonly version: string | undefined
  /** That of the first profile, which boots by default. */
  readonly commandLine: string
  /** What can be chosen in the boot menu, the default first. */
  readonly profiles: readonly UkiProfile[]
  readonly kernel: string | undefined
  /** Whether it has an Authenticode signature, whoever made it. */
  readonly signed: boolean
  /** What measured boot is bound to (systemd-stub(7)): a public key, and signatures of the measurements. */
  readonly pcrKey: boolean
  readonly pcrSignatures: number
}

/** A part of a UKI: `.linux`, `.initrd`, `.cmdline`, … */
export interface UkiSection {
  readonly name: string
  readonly bytes: number
}

/** One entry of the boot menu (UAPI.5, Multi-Profile UKIs). */
export interface UkiProfile {
  /** ID of `.profile`; undefined in an image without profiles, as before Talos 1.10. */
  readonly id: string | undefined
  readonly title: string | undefined
  /** That of the first profile where it has none of its own. */
  readonly commandLine: string
}

/** A UKI and where its parts are in the file. */
export interface OpenedUki {
  readonly uki: Uki
  readonly pe: Pe
  /** The extent of `.initrd`. */
  readonly initrd: { readonly start: number; readonly end: number }
}

const machines: Readonly<Record<number, Architecture>> = { 0x8664: 'amd64', 0xaa64: 'arm64' }
/** Of one section, in bytes. */
const longestText = 1_048_576
/** Of all of them together. */
const mostText = 2 * longestText

/** Reads the headers and the small sections of a UKI. @throws AgentError `malformed`, saying what is wrong with the file */
export async function readUki(source: ByteSource): Promise<Uki> {
  return (await openUki(source)).uki
}

/**
 * Reads the headers and the small sections of a UKI: a program for EFI whose sections carry an operating system (UAPI.5
 * Unified Kernel Image).
 *
 * @throws AgentError `malformed`, saying what is wrong with the file
 */
export async function openUki(source: ByteSource): Promise<OpenedUki> {
  const pe = await readPe(source)
  const { sections } = pe
  const missing = ['.osrel', '.cmdline', '.linux', '.initrd'].filter(
    (name) => !sections.some((section) => section.name === name && section.bytes > 0),
  )
  if (missing.length > 0) throw malformed(`it has no section ${missing.join(', ')}`)

  const text = createTextReader(source)
  const first = (name: string) => sections.find((section) => section.name === name)
  const textOf = async (name: string) => {
    const section = first(name)
    return section && text(section)
  }
  const osRelease = parseOsRelease((await textOf('.osrel')) ?? '')
  const profiles = await readProfiles(pe, text)
  const initrd = first('.initrd')!
  return {
    pe,
    initrd: { start: initrd.offset, end: initrd.offset + initrd.bytes },
    uki: {
      architecture: machines[pe.machine] ?? 'unknown',
      sections: sections.map(({ name, bytes }) => ({ name, bytes })),
      osRelease,
      version: osRelease['VERSION_ID'],
      commandLine: profiles[0]!.commandLine,
      profiles,
      kernel: await textOf('.uname'),
      signed: pe.certificates !== undefined,
      pcrKey: first('.pcrpkey') !== undefined,
      pcrSignatures: sections.filter(({ name }) => name === '.pcrsig').length,
    },
  }
}

type TextReader = (section: Pe['sections'][number]) => Promise<string>

function createTextReader(source: ByteSource): TextReader {
  let left = mostText
  return async ({ name, offset, bytes }) => {
    if (bytes > longestText) throw malformed(`its section ${name} is too large to be text`)
    left -= bytes
    if (left < 0) throw malformed('its sections of text are too large together')
    return withoutEnd(new TextDecoder().decode(await source.read(offset, bytes)), '\0')
  }
}

/** A section `.profile` begins a profile; what comes before the first one is shared by all, and is the first one's too. */
async function readProfiles({ sections }: Pe, text: TextReader): Promise<readonly UkiProfile[]> {
  const profiles: { id: string | undefined; title: string | undefined; commandLine: string | undefined }[] = []
  let shared: string | undefined
  for (const section of sections) {
    if (section.name === '.profile') {
      const { ID: id, TITLE: title } = parseOsRelease(await text(section))
      profiles.push({ id, title, commandLine: undefined })
    } else if (section.name === '.cmdline') {
      const last = profiles.at(-1)
      if (last) last.commandLine ??= (await text(section)).trim()
      else shared ??= (await text(section)).trim()
    }
  }
  const base = shared ?? profiles.find(({ commandLine }) => commandLine !== undefined)?.commandLine ?? ''
  if (profiles.length === 0) return [{ id: undefined, title: undefined, commandLine: base }]
  return profiles.map((profile) => ({ ...profile, commandLine: profile.commandLine ?? base }))
}

/** Why this image is not the one that was requested; undefined if it is. */
export function refuseUki(uki: Uki, order: ImageOrder): string | undefined {
  if (uki.architecture !== order.architecture)
    return `it is for ${uki.architecture}, and ${order.architecture} was requested`
  const id = uki.osRelease['ID']
  if (id !== 'talos' && id !== 'talos_enterprise') return `it is not Talos but ${id ?? 'something without a name'}`
  if (uki.version !== order.version)
    return `it is ${uki.version ?? 'without a version'}, and ${order.version} was requested`
  if (order.secureBoot && !uki.signed) return 'it is not signed, and an image for SecureBoot was requested'
  return whyOtherCommandLine(uki.commandLine, order)
}

/** Why this is not the command line of the image that was requested; undefined if it is. */
export function whyOtherCommandLine(commandLine: string, order: ImageOrder): string | undefined {
  const words = commandLine.split(/\s+/)
  if (!words.includes('talos.platform=metal')) return 'its command line lacks talos.platform=metal'
  const absent = order.kernelArguments.find((argument) => !argument.startsWith('-') && !words.includes(argument))
  if (absent !== undefined) return `its command line lacks ${absent}, which the schematic adds`
  return undefined
}

/** Reads os-release(5): `KEY="value"` by lines. */
function parseOsRelease(text: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim())
    if (match) fields[match[1]!] = match[2] ?? match[3] ?? match[4] ?? ''
  }
  return fields
}
