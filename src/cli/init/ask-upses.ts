import { resolve } from 'node:path'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { SecretPlace } from '../../core/setup/choices.ts'
import type { SeenUps } from '../../core/setup/seen.ts'
import { usualUpsdPort } from '../../core/setup/usual.ts'
import { readText } from '../../main/file-gate.ts'
import type { Given } from './answers.ts'
import { lookAtUpses, type UpsLogin, type UpsServer } from './look-upses.ts'
import type { Means } from './means.ts'
import { mendPlace, toPlace } from './place.ts'

export interface AskedUpses {
  readonly upses: readonly SeenUps[]
  readonly user: { readonly user: string; readonly password: SecretPlace } | undefined
  /** A password that is to be written to the file beside the configuration. */
  readonly newPassword: string | undefined
  readonly remarks: readonly string[]
}

/** Where a password that was typed is kept, beside the configuration. */
export const passwordFile = 'ups-password'

/** The UPSes of the servers that are named or asked for. */
export async function askUpses(means: Means): Promise<AskedUpses> {
  const { given, prompter, signal, say } = means
  const upses: SeenUps[] = []
  const remarks: string[] = []
  const servers = (given.ups ?? []).map(toServer)
  let login = await loginGiven(given, means.environment)
  for (const server of servers) {
    say(`asks upsd at ${server.host}:${server.port}`)
    try {
      upses.push(...(await lookAtUpses(server, login, signal)))
    } catch (error) {
      signal.throwIfAborted()
      if (!means.known.has('ups')) throw error
      remarks.push(`${messageOf(error)}: its entry stays as it is`)
    }
  }
  if (prompter && given.ups === undefined) {
    const found = await askServer(means)
    if (found) {
      login ??= await askLogin(means)
      upses.push(...(await lookAtUpses(found, login, signal)))
    }
  }
  if (!login || upses.length === 0) return { upses, user: undefined, newPassword: undefined, remarks }
  const { user, place, password } = login
  const isNew = 'file' in place && place.file === passwordFile
  return { upses, user: { user, password: place }, newPassword: isNew ? password : undefined, remarks }
}

const toServer = (text: string): UpsServer => toPlace(text, usualUpsdPort, 'a server')

interface PlacedLogin extends UpsLogin {
  readonly place: SecretPlace
}

async function loginGiven(given: Given, environment: Means['environment']): Promise<PlacedLogin | undefined> {
  const { upsUser: user, upsPassword, upsPasswordFile, upsPasswordEnv } = given
  const isSaid = upsPassword !== undefined || upsPasswordFile !== undefined || upsPasswordEnv !== undefined
  if (user === undefined && !isSaid) return undefined
  if (user === undefined || !isSaid)
    throw new AgentError('misconfigured', `a login at upsd needs a ${user === undefined ? 'user' : 'password'}, too`)
  if (upsPassword !== undefined) return { user, password: upsPassword, place: { file: passwordFile } }
  if (upsPasswordFile !== undefined) {
    const password = (await readText(resolve(upsPasswordFile))).replace(/\r?\n$/, '')
    return { user, password, place: { file: given.copy === true ? passwordFile : resolve(upsPasswordFile) } }
  }
  const password = environment[upsPasswordEnv!]
  if (password === undefined || password === '')
    throw new AgentError('misconfigured', `the environment has no ${upsPasswordEnv} with the password of upsd`)
  return { user, password, place: { env: upsPasswordEnv! } }
}

/** A server that answers, and lists a UPS. */
async function askServer({ prompter, signal, say }: Means): Promise<UpsServer | undefined> {
  for (;;) {
    const answer = await prompter!.text({
      message: 'Server of the UPS: the NAS, or wherever upsd runs (empty: there is none)',
      example: '192.168.0.6',
      check: mendPlace,
    })
    if (answer === '') return undefined
    const server = toServer(answer)
    try {
      const found = await lookAtUpses(server, undefined, signal)
      say(
        `upsd at ${answer} has ${found.map(({ name, model }) => (model === undefined ? name : `${name} (${model})`)).join(', ')}`,
      )
      return server
    } catch (error) {
      signal.throwIfAborted()
      say(messageOf(error))
    }
  }
}

async function askLogin({ prompter }: Means): Promise<PlacedLogin | undefined> {
  const user = await prompter!.text({
    message: 'User of upsd, for whom its primary waits (empty: none; a Synology has monuser)',
    example: 'monuser',
  })
  if (user === '') return undefined
  const password = await prompter!.secret('Its password: kept in a file that only this user can read')
  return { user, password, place: { file: passwordFile } }
}
