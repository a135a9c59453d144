/** Whether a port can be had, before anything is started that needs it. */
import { createServer } from 'node:net'
import { CommandError, EXIT } from './exit.ts'

export const portFree = (host: string, port: number): Promise<boolean> =>
  new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(true)))
  })

/** Throws `port-in-use` naming the port, how to find its holder, and the variable that chooses another. 0 is always free. */
export const requirePort = async (host: string, port: number, variable: string): Promise<void> => {
  if (port === 0 || (await portFree(host, port))) return
  throw new CommandError(
    'port-in-use',
    `port ${port} on ${host} is in use by another process: end that one (ss -ltnp 'sport = :${port}' names it), or set ${variable} to a free port`,
    EXIT.temporary,
  )
}
