/** The headers access is judged by, read while the request still lives. */
import type { HttpRequest } from 'uWebSockets.js'
import type { CallerHeaders } from './access.ts'

export const callerHeaders = (req: HttpRequest): CallerHeaders => ({
  host: req.getHeader('host'),
  origin: req.getHeader('origin'),
  authorization: req.getHeader('authorization'),
  protocols: req.getHeader('sec-websocket-protocol'),
})
