/** Where the project's own files lie, wherever a command is called from. */
import { join } from 'node:path'

export const PROJECT_ROOT = join(import.meta.dirname, '..')
export const DEMO_DATA = join(PROJECT_ROOT, 'data/taiwan/taiwan-credit-default.csv.gz')
