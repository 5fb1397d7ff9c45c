import { about, failed, ok, warning } from '../../core/doctor/check.ts'
import { messageOf } from '../../core/errors.ts'
import type { Machine } from '../../core/power/machines.ts'
import type { Waker } from '../../core/power/ports.ts'
import type { Look } from './look.ts'

/** Whether magic packets for a machine leave by an interface that reaches it. None is sent. */
export function packetLook(
  area: 'node' | 'host',
  { name, hasMac, powerOnAfter }: Machine,
  waker: Pick<Waker, 'rehearse'>,
): Look {
  const id = `${area}.packets:${name}`
  return {
    id,
    subject: name,
    look: async (signal) => {
      if (!hasMac && powerOnAfter !== undefined) return [about(id, name, ok('is switched on by wake.powerOn'))]
      // Of a node its network card says more.
      if (!hasMac && area === 'node') return []
      if (!hasMac)
        return [
          about(
            id,
            name,
            warning('has no mac: after a power cut somebody has to press its button', 'Set its mac, or wake.powerOn'),
          ),
        ]
      const by = await waker.rehearse(name, signal).then(
        (outlets) => ok(`magic packets leave by ${outlets}`),
        (error: unknown) =>
          failed(
            `magic packets would not reach it: ${messageOf(error)}`,
            'Set wake.broadcast or wake.interface, or run Caretaker on a machine in its network',
          ),
      )
      return [about(id, name, by)]
    },
  }
}
