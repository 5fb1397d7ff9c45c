import type { OutgoingMessage } from './channel.ts'

const colours = { critical: 0xc6_28_28, warning: 0xf9_a8_25, info: 0x15_65_c0 } as const
const settled = 0x2e_7d_32

/** The colour of a message as 0xRRGGBB: by its severity, and green once it is over. */
export function colourOf({ kind, severity }: Pick<OutgoingMessage, 'kind' | 'severity'>): number {
  return kind === 'settled' ? settled : colours[severity]
}

/** The same as `#rrggbb`. */
export function hexColourOf(message: Pick<OutgoingMessage, 'kind' | 'severity'>): string {
  return `#${colourOf(message).toString(16).padStart(6, '0')}`
}
