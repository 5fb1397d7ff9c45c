import { once } from 'node:events'
import * as http2 from 'node:http2'
import { createContextKey, createContextValues } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { canonicalAddress } from '../../core/address.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { EventSinks } from '../../core/provision/ports.ts'
import { sentenceOf } from './follow.ts'
import { EventSinkService } from './gen/events_pb.ts'

/** What one machine may have open, and what all may. */
const mostSessions = { each: 2, all: 64 }
/** In bytes: an event is a few hundred. */
const largestEvent = 65_536
/** A connection on which nothing comes is closed after this long, in ms. */
const idleAfter = 15 * 60_000
const longestSentence = 500

const sender = createContextKey('')

/** Plain gRPC, as nodes speak it to an event sink: nothing in it is secret, and nothing is believed. */
export function createEventSinks(): EventSinks {
  return {
    async listen({ address, port, isWanted, heard }) {
      const sessions = new Map<http2.ServerHttp2Session, string>()
      const answer = connectNodeAdapter({
        connect: false,
        grpcWeb: false,
        readMaxBytes: largestEvent,
        contextValues: ({ socket }) => createContextValues().set(sender, addressOf(socket)),
        routes: (router) =>
          router.service(EventSinkService, {
            publish({ data }, { values }) {
              const said = data && safely(() => sentenceOf({ data }))
              if (said !== undefined) heard(values.get(sender), said.slice(0, longestSentence))
              return {}
            },
          }),
      })
      const server = http2.createServer({ maxSessionMemory: 1 }, answer)
      server.on('session', (session) => {
        const source = addressOf(session.socket)
        session.on('error', () => session.destroy())
        const own = [...sessions.values()].filter((one) => one === source).length
        if (!isWanted(source) || own >= mostSessions.each || sessions.size >= mostSessions.all) return session.destroy()
        sessions.set(session, source)
        session.setTimeout(idleAfter, () => session.destroy())
        session.on('close', () => sessions.delete(session))
      })
      server.on('sessionError', () => {})
      server.listen({ host: address, port, exclusive: true })
      await once(server, 'listening').catch((error: unknown) => {
        throw new AgentError('misconfigured', `can't listen on ${address}:${port}: ${messageOf(error)}`, error)
      })
      server.on('error', () => {})
      return {
        async [Symbol.asyncDispose]() {
          const closed = once(server, 'close')
          server.close()
          for (const session of sessions.keys()) session.destroy()
          await closed
        },
      }
    },
  }
}

/** Nothing where it can't be read. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function addressOf({ remoteAddress = '' }: { readonly remoteAddress?: string | undefined }): string {
  return canonicalAddress(remoteAddress) ?? ''
}
