import { z } from 'zod'
import { secret } from '../../config/scalars.ts'

/** A part of a topic: no level of its own, and none of MQTT's wildcards. */
const topic = z
  .string()
  .regex(
    /^[A-Za-z0-9_-]{1,64}(\/[A-Za-z0-9_-]{1,64}){0,4}$/,
    'use letters, digits, _ and -, in levels with / between them',
  )

/** Whether it names a broker, and nothing more. */
function isBroker(text: string): boolean {
  const url = URL.parse(text)
  if (!url || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '') return false
  return [url.username, url.password, url.search, url.hash].every((part) => part === '') && url.pathname.length <= 1
}

/** The section `homeAssistant` of the configuration. Without it no broker is spoken to. */
export const section = z
  .strictObject({
    url: z
      .string()
      .refine(isBroker, 'use mqtt://HOST:PORT or mqtts://HOST:PORT, without a user')
      .meta({
        description: 'The MQTT broker of Home Assistant; usual ports are 1883, and 8883 with TLS',
        examples: ['mqtt://192.168.0.7'],
      }),
    user: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Where the broker asks for one', examples: ['caretaker'] }),
    password: secret.optional().meta({ description: 'The password of that user' }),
    ca: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'A file with the CA of the broker, where it is your own', examples: ['ca.pem'] }),
    buttons: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether there are buttons: whoever may publish at the broker can press them' }),
    discoveryPrefix: topic
      .default('homeassistant')
      .meta({ description: "The discovery prefix of Home Assistant's MQTT integration" }),
    topicPrefix: topic.default('caretaker').meta({
      description: 'What topics of ours begin with; another one for each Caretaker at a broker',
    }),
  })
  .refine(({ user, password }) => user !== undefined || password === undefined, {
    message: 'a password needs a user',
    path: ['password'],
  })
  .optional()
  .meta({ description: 'The homelab in Home Assistant, by MQTT; without it no broker is spoken to' })
export type HomeAssistantSection = NonNullable<z.output<typeof section>>
