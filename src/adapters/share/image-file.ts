import { readCarried, refuseCarried } from '../../core/release/carried.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import { refuseIso } from '../../core/release/iso.ts'
import { refuseCommandLine, refuseKernel } from '../../core/release/kernel-files.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { parseYaml } from '../../yaml.ts'
import { means, refuseUkiFile, withFile } from './uki-file.ts'

/**
 * Why the files of an image are not those that were ordered; undefined if they are. `schematic` is what the order's id
 * stands for.
 *
 * @throws AgentError `misconfigured`; `malformed` for what is no image, naming the file
 */
export async function refuseFiles(
  paths: readonly string[],
  order: ImageOrder,
  schematic: Schematic | undefined,
): Promise<string | undefined> {
  const [first = '', initramfs = '', commandLine = ''] = paths
  if (order.kind === 'uki') return refuseUkiFile(first, order, schematic)
  const asked = { version: order.version, id: order.schematic, schematic }
  if (order.kind === 'iso') return withFile(first, (source) => refuseIso(source, order, asked, means))
  return (
    (await withFile(first, (source) => refuseKernel(source, order))) ??
    (await withFile(commandLine, (source) => refuseCommandLine(source, order))) ??
    (await withFile(initramfs, async (source) =>
      refuseCarried(await readCarried(source, { start: 0, end: source.size }, means), asked, parseYaml),
    ))
  )
}
