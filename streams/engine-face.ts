/** What others see of an engine, whether one or several in succession. */
import type { Engine } from './engine.ts'

export type EngineFace = Pick<Engine, keyof Engine>
