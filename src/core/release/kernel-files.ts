import { type ByteSource, latin1, malformed } from './byte-source.ts'
import type { Architecture, ImageOrder } from './image.ts'
import { whyOtherCommandLine } from './uki.ts'

const machines: Readonly<Record<number, Architecture>> = { 0x8664: 'amd64', 0xaa64: 'arm64' }
/** In bytes. */
const longestCommandLine = 16_384

/**
 * Why a file is not a kernel for the architecture that was ordered; undefined if it is. Kernels of Talos are programs for
 * EFI as well, on both architectures (Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst). Of which
 * release it is it does not say.
 *
 * @throws AgentError `malformed` for what is no kernel
 */
export async function refuseKernel(source: ByteSource, order: ImageOrder): Promise<string | undefined> {
  const head = await source.read(0, 0x40)
  if (head.length < 0x40 || latin1(head.subarray(0, 2)) !== 'MZ')
    throw malformed('its kernel is none that boots by UEFI')
  const at = new DataView(head.buffer, head.byteOffset).getUint32(0x3c, true)
  const pe = await source.read(at, 6)
  if (pe.length < 6 || latin1(pe.subarray(0, 4)) !== 'PE\0\0') throw malformed('its kernel has no PE signature')
  const machine = machines[new DataView(pe.buffer, pe.byteOffset).getUint16(4, true)]
  if (machine !== order.architecture)
    return `its kernel is for ${machine ?? 'unknown machines'}, and ${order.architecture} was requested`
  if (machine === 'amd64' && latin1(await source.read(0x202, 4)) !== 'HdrS') return 'its kernel is no Linux'
  const isZboot = latin1(head.subarray(4, 8)) === 'zimg'
  if (machine === 'arm64' && !isZboot && latin1(head.subarray(0x38, 0x3c)) !== 'ARMd') return 'its kernel is no Linux'
  return undefined
}

/** Why a text is not the command line that was ordered; undefined if it is. */
export async function refuseCommandLine(source: ByteSource, order: ImageOrder): Promise<string | undefined> {
  if (source.size > longestCommandLine) return 'its command line is too long'
  const text = new TextDecoder().decode(await source.read(0, source.size)).trim()
  // It becomes a line of a script.
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'its command line has more than one line'
  return whyOtherCommandLine(text, order)
}
