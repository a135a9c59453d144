/** What the warehouse process says: warnings and errors, as the engine's logger writes them. */
import { createLogger } from './logger.ts'

export const warehouseLogger = createLogger('warn').child({ process: 'warehouse' })
