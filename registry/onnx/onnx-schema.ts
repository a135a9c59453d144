/**
 * The part of the ONNX protobuf schema that a tree-ensemble graph uses, by field number. Source: ONNX IR specification, onnx.proto
 * (https://github.com/onnx/onnx/blob/main/docs/IR.md). Fields left out here are skipped by the parser, as protobuf prescribes.
 */
import protobuf from 'protobufjs'

/** `AttributeProto.AttributeType`. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, floats: 6, ints: 7, strings: 8 } as const
/** `TensorProto.DataType.FLOAT`. */
export const ELEMENT_FLOAT32 = 1

export interface OnnxAttribute {
  name: string
  type: number
  f?: number
  i?: number
  s?: Uint8Array
  floats?: number[]
  ints?: number[]
  strings?: Uint8Array[]
  /** Present where a tensor stands for a list (`*_as_tensor`), which a float32 graph does not need. */
  t?: Uint8Array
}

export interface OnnxNode {
  input: string[]
  output: string[]
  name?: string
  opType: string
  domain?: string
  attribute: OnnxAttribute[]
}

export interface OnnxValueInfo {
  name: string
  type?: { tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: number; dimParam?: string }[] } } }
}

export interface OnnxModel {
  irVersion: number
  producerName?: string
  producerVersion?: string
  docString?: string
  opsetImport: { domain?: string; version: number }[]
  graph: { name: string; node: OnnxNode[]; input: OnnxValueInfo[]; output: OnnxValueInfo[] }
}

type FieldSpec = readonly [type: string, id: number, repeated?: 'repeated']

const message = (fields: Record<string, FieldSpec>) => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [type, id, repeated]]) => [
      name,
      repeated ? { type, id, rule: 'repeated', options: { packed: type === 'float' || type === 'int64' } } : { type, id },
    ]),
  ),
})

const root = protobuf.Root.fromJSON({
  nested: {
    onnx: {
      nested: {
        AttributeProto: message({
          name: ['string', 1],
          f: ['float', 2],
          i: ['int64', 3],
          s: ['bytes', 4],
          t: ['bytes', 5],
          floats: ['float', 7, 'repeated'],
          ints: ['int64', 8, 'repeated'],
          strings: ['bytes', 9, 'repeated'],
          type: ['int32', 20],
        }),
        NodeProto: message({
          input: ['string', 1, 'repeated'],
          output: ['string', 2, 'repeated'],
          name: ['string', 3],
          opType: ['string', 4],
          attribute: ['AttributeProto', 5, 'repeated'],
          domain: ['string', 7],
        }),
        Dimension: message({ dimValue: ['int64', 1], dimParam: ['string', 2] }),
        TensorShapeProto: message({ dim: ['Dimension', 1, 'repeated'] }),
        TensorTypeProto: message({ elemType: ['int32', 1], shape: ['TensorShapeProto', 2] }),
        TypeProto: message({ tensorType: ['TensorTypeProto', 1] }),
        ValueInfoProto: message({ name: ['string', 1], type: ['TypeProto', 2] }),
        GraphProto: message({
          node: ['NodeProto', 1, 'repeated'],
          name: ['string', 2],
          input: ['ValueInfoProto', 11, 'repeated'],
          output: ['ValueInfoProto', 12, 'repeated'],
        }),
        OperatorSetIdProto: message({ domain: ['string', 1], version: ['int64', 2] }),
        ModelProto: message({
          irVersion: ['int64', 1],
          producerName: ['string', 2],
          producerVersion: ['string', 3],
          docString: ['string', 6],
          graph: ['GraphProto', 7],
          opsetImport: ['OperatorSetIdProto', 8, 'repeated'],
        }),
      },
    },
  },
})

const modelType = root.lookupType('onnx.ModelProto')

/** Bytes of a model; equal models give equal bytes (fields are written in the order of their numbers, nothing is timed). */
export const encodeOnnxModel = (model: OnnxModel): Uint8Array => modelType.encode(modelType.fromObject(model)).finish()

/** @throws Error where the bytes are not a protobuf message of this shape. */
export const decodeOnnxModel = (bytes: Uint8Array): OnnxModel => {
  try {
    return modelType.toObject(modelType.decode(bytes), { longs: Number, arrays: true }) as OnnxModel
  } catch (cause) {
    throw new Error('not an ONNX model: the bytes do not parse as protobuf ModelProto; export the member again', { cause })
  }
}
