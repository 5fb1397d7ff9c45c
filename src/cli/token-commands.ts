import { Option } from 'commander'
import { scopes } from '../core/access/token.ts'
import { describeTime } from '../core/time.ts'
import { ask, command, duration, exit, group, print, say } from './shell.ts'
import { table } from './table.ts'

/** The commands about tokens of the API. */
export function addTokenCommands(): void {
  group('token', 'tokens of the API')
  command('token create <name>', 'create a token, and print it this once', async (options, [name], extra) => {
    const lastsMs = typeof extra['for'] === 'number' ? { lastsMs: extra['for'] } : {}
    const scope = scopes.find((one) => one === extra['scope'])!
    const answer = await ask(options, (daemon) => daemon.tokens.$post({ json: { name: name!, scope, ...lastsMs } }))
    // The token stands alone on the last line, for `| tail -n 1`.
    await print(options, answer, async () => `${answer.said}; it is shown this once:\n${answer.token}`)
    return exit.ok
  })
    .addOption(new Option('--scope <scope>', 'what it may do').choices(scopes).makeOptionMandatory())
    .addOption(
      new Option('--for <duration>', 'how long it is valid (default: until it is revoked)').argParser(duration),
    )
  command('token list', 'tokens, without what is secret of them', async (options) => {
    const tokens = await ask(options, (daemon) => daemon.tokens.$get())
    await print(options, tokens, async (zone) => {
      if (tokens.length === 0) return 'no tokens'
      const shown = await zone()
      return table(
        ['NAME', 'SCOPE', 'CREATED', 'EXPIRES'],
        tokens.map(({ name, scope, createdAt, expiresAt }) => [
          name,
          scope,
          describeTime(createdAt, shown),
          expiresAt === undefined ? 'never' : describeTime(expiresAt, shown),
        ]),
      )
    })
    return exit.ok
  })
  command('token revoke <name>', 'revoke a token: it is refused from now on', (options, [name]) =>
    say(options, (daemon) => daemon.tokens[':name'].$delete({ param: { name: encodeURIComponent(name!) } })),
  )
}
