/** A record of the internal topic `linked-entities`: an application as a device, employer or address sees it that the application names. */
import Type, { type Static } from 'typebox'
import { bytes, choice, identifier, integer } from './field.ts'

/** The kinds of linked entity, in the order in which one application's updates are numbered. */
export const LINKED_KINDS = ['device', 'employer', 'address'] as const

export const LinkedUpdateSchema = Type.Object(
  {
    sourcePartition: integer('Partition of the application in the input log', 'partition', 0, 1_048_575, 'none'),
    sourceOffset: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Offset of the application in the input log',
      unit: 'position',
      pii: 'none',
      avro: 'long',
    }),
    n: integer('Which of the application’s updates, from 0', 'updates', 0, LINKED_KINDS.length - 1, 'none'),
    entity: choice('Kind of entity that the application names', [...LINKED_KINDS]),
    entityId: identifier('Pseudonym of that entity', 'pseudonym'),
    application: bytes('The application, framed Avro', 'sensitive'),
  },
  { title: 'linked-update', description: 'An application as a device, employer or address sees it' },
)
export type LinkedUpdate = Readonly<Static<typeof LinkedUpdateSchema>>
