import { CfnResource, type Stack } from 'aws-cdk-lib';

export interface Resource<Properties = Record<string, unknown>> {
  /** The construct's path within the stack, such as `Poll/Poll/Queue`. */
  path: string;
  logicalId: string;
  type: string;
  properties: Properties;
  deletionPolicy: string | undefined;
}

interface Template {
  Resources: Record<string, { Type: string; Properties?: object; DeletionPolicy?: string }>;
}

/** A stack's resources as its template will have them, with every override. */
export class Resources {
  readonly #all: Resource<unknown>[];

  constructor(stack: Stack) {
    const constructs = stack.node.findAll().filter(CfnResource.isCfnResource);
    this.#all = constructs.flatMap((construct) => {
      const path = construct.node.path.slice(stack.node.path.length + 1).replace(/\/Resource$/, '');
      const { Resources } = stack.resolve(construct._toCloudFormation()) as Template;
      return Object.entries(Resources).map(([logicalId, { Type, Properties = {}, DeletionPolicy }]) => {
        return { path, logicalId, type: Type, properties: Properties, deletionPolicy: DeletionPolicy };
      });
    });
  }

  ofType<Properties>(...types: string[]): Resource<Properties>[] {
    return this.#all.filter(({ type }) => types.includes(type)) as Resource<Properties>[];
  }

  /** The resource that a `Ref` or `Fn::GetAtt` names. */
  behind<Properties>(expression: unknown): Resource<Properties> | undefined {
    const id = referredId(expression);
    return this.#all.find(({ logicalId }) => logicalId === id) as Resource<Properties> | undefined;
  }
}

/** The logical id in `{Ref: id}` or `{'Fn::GetAtt': [id, attribute]}`. */
export function referredId(expression: unknown): string | undefined {
  if (typeof expression !== 'object' || expression === null) return undefined;
  const { Ref, 'Fn::GetAtt': attribute } = expression as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
  return Ref ?? attribute?.[0];
}
