import { randomBytes } from 'node:crypto'
import { about, failed, type Found, ok, skipped } from '../../core/doctor/check.ts'
import type { DoctorPorts, WrittenProbe } from '../../core/doctor/ports.ts'
import { judgeSpace } from '../../core/doctor/space.ts'
import { messageOf } from '../../core/errors.ts'
import { imagesOf, isSameImage, type StagedImage } from '../../core/release/image.ts'
import type { PublishedName } from '../../core/release/published.ts'
import { presentName } from '../../core/release/publication.ts'
import type { Look, Means } from './look.ts'

/** An image of today, in bytes, where none is staged yet. */
const usualImage = 160 * 1_048_576
/** So much of the image is read, in bytes: enough to see that it is served, and little enough for a slow NAS. */
const readOfImage = 65_536
const subject = 'share'
const noServer = 'share.server is not set: whether machines get what is staged was not tried'
const setServer = 'Set share.server to the address of the TFTP server that machines boot from'

/** The share: written as images are, and read back as machines do. */
export function shareLooks({ context }: Means): readonly Look[] {
  const { config, ports } = context
  const { doctor, share } = ports
  if (!doctor) return []
  return [
    { id: 'share.write', subject, within: 25_000, look: (signal) => lookAtProbe(doctor, config.share.server, signal) },
    {
      id: 'share.image',
      subject,
      within: 25_000,
      look: async (signal) => {
        const staged = await share.staged()
        const names = await share.names()
        const found: Found[] = []
        for (const image of imagesOf(config)) {
          const id = config.images.length === 0 ? 'share.image' : `share.image:${image.name}`
          const name = presentName(image, names)
          const published = name && staged.find((one) => isSameImage(one, name))
          const served = { server: config.share.server, file: name?.file ?? image.file, published, name }
          found.push(about(id, subject, await findImage(doctor, served, signal)))
        }
        return found
      },
    },
    {
      id: 'share.space',
      subject,
      look: async () => {
        const [newest] = await share.staged().catch(() => [])
        const free = await doctor.machine.freeSpace(config.share.directory)
        return [about('share.space', subject, judgeSpace('the share', free, newest?.bytes ?? usualImage))]
      },
    },
  ]
}

async function lookAtProbe(
  { share }: DoctorPorts,
  server: string | undefined,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const bytes = randomBytes(4_000)
  let written: WrittenProbe
  try {
    written = await share.write(bytes, signal)
  } catch (error) {
    return [
      about(
        'share.write',
        subject,
        failed(messageOf(error), 'See that it is mounted, and that this user may write there'),
      ),
    ]
  }
  try {
    const wrote = about('share.write', subject, ok('is written, and reads back the same'))
    if (server === undefined) return [wrote, about('share.tftp', subject, skipped(noServer, setServer))]
    const fetched = await share
      .fetch(written.file, bytes.length * 2, signal)
      .catch((error: unknown) => messageOf(error))
    const finding =
      typeof fetched === 'string'
        ? failed(
            `what is written there is not served: ${fetched}`,
            'See that the TFTP server serves this very folder, and share.server names it',
          )
        : bytes.equals(fetched.bytes)
          ? ok(`${server} serves what is written there, byte for byte`)
          : failed(
              `${server} serves other bytes than are written there`,
              'Look for a cache or a copy between the share and its server',
            )
    return [wrote, about('share.tftp', subject, finding)]
  } finally {
    await written.remove().catch(() => {})
  }
}

interface ServedImage {
  readonly server?: string | undefined
  readonly file: string
  readonly published: StagedImage | undefined
  readonly name: PublishedName | undefined
}

/** How each kind of image begins: EFI programs with MZ (PE/COFF), scripts for iPXE with #!ipxe, and CDs with nothing. */
const starts = { uki: [0x4d, 0x5a], kernel: [0x23, 0x21, 0x69, 0x70, 0x78, 0x65], iso: [0] } as const
const describeNo = { uki: 'no EFI program', kernel: 'no script for iPXE', iso: 'no CD image' } as const

/** Whether machines get the image that is published. */
async function findImage({ share }: DoctorPorts, { server, file, published, name }: ServedImage, signal: AbortSignal) {
  if (name?.fault !== undefined)
    return failed(`${file} ${name.fault}: something else writes to the share`, 'Publish it again: `caretaker stage`')
  if (!published) return skipped('no image is staged yet', 'Stage one: `caretaker stage`')
  if (server === undefined) return skipped(noServer, setServer)
  const fetched = await share.fetch(file, readOfImage, signal).catch((error: unknown) => messageOf(error))
  if (typeof fetched === 'string')
    return failed(
      `${file} is published, and not served: ${fetched}`,
      'See that the TFTP server serves this very folder',
    )
  const { bytes, size } = fetched
  // A kernel's name has a script, which is smaller than its image.
  const isWhole = published.kind === 'kernel' || size === undefined || size === published.bytes
  if (!isWhole)
    return failed(
      `${server} serves an ${file} of ${size} bytes, where ${published.version} with ${published.bytes} is published`,
      'Look for another folder, or a cache, behind the TFTP server',
    )
  const start = starts[published.kind]
  if (!start.every((byte, index) => bytes[index] === byte))
    return failed(
      `${server} serves an ${file} that is ${describeNo[published.kind]}`,
      'Stage it again: `caretaker stage`',
    )
  return ok(
    `${server} serves ${file} of ${published.version}${size === undefined ? '' : ', as large as it was staged'}`,
  )
}
