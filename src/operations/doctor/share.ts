import { randomBytes } from 'node:crypto'
import { about, failed, type Found, ok, skipped } from '../../core/doctor/check.ts'
import type { DoctorPorts, WrittenProbe } from '../../core/doctor/ports.ts'
import { judgeSpace } from '../../core/doctor/space.ts'
import { messageOf } from '../../core/errors.ts'
import type { StagedImage } from '../../core/release/image.ts'
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
        const [published] = (await share.staged()).filter((image) => image.published)
        return [about('share.image', subject, await findImage(doctor, { ...config.share, published }, signal))]
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
  readonly image: string
  readonly published: StagedImage | undefined
}

/** Whether machines get the image that is published. */
async function findImage({ share }: DoctorPorts, { server, image, published }: ServedImage, signal: AbortSignal) {
  if (!published) return skipped('no image is staged yet', 'Stage one: `caretaker stage`')
  if (server === undefined) return skipped(noServer, setServer)
  const fetched = await share.fetch(image, readOfImage, signal).catch((error: unknown) => messageOf(error))
  if (typeof fetched === 'string')
    return failed(`${image} is staged, and not served: ${fetched}`, 'See that the TFTP server serves this very folder')
  const { bytes, size } = fetched
  if (size !== undefined && size !== published.bytes)
    return failed(
      `${server} serves an ${image} of ${size} bytes, where ${published.version} with ${published.bytes} is published`,
      'Look for another folder, or a cache, behind the TFTP server',
    )
  // The header of every EFI program (PE/COFF): MZ.
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a)
    return failed(`${server} serves an ${image} that is no EFI program`, 'Stage it again: `caretaker stage`')
  return ok(
    `${server} serves ${image} of ${published.version}${size === undefined ? '' : ', as large as it was staged'}`,
  )
}
