import { CfnResource, type Stack } from 'aws-cdk-lib';

export interface Resource<Properties = Record<string, unknown>> {
  /** The construct's path within the stack, such as `Poll/Poll/Queue`. */
  path: string;
  logicalId: string;
  properties: Properties;
  deletionPolicy: string | undefined;
}

interface Template {
  Resources: Record<string, { Type: string; Properties?: object; DeletionPolicy?: string }>;
}

/** A stack's resources as its template will have them, with every override. */
export class Resources {
  readonly #byType = new Map<string, Resource[]>();
  readonly #byId = new Map<string, Resource>();

  constructor(stack: Stack) {
    for (const construct of stack.node.findAll().filter(CfnResource.isCfnResource)) {
      const path = construct.node.path.slice(stack.node.path.length + 1).replace(/\/Resource$/, '');
      const { Resources } = stack.resolve(construct._toCloudFormation()) as Template;
      for (const [logicalId, { Type, Properties = {}, DeletionPolicy }] of Object.entries(Resources)) {
        const properties = Properties as Record<string, unknown>;
        const resource = { path, logicalId, properties, deletionPolicy: DeletionPolicy };
        this.#byId.set(logicalId, resource);
        this.#byType.set(Type, [...(this.#byType.get(Type) ?? []), resource]);
      }
    }
  }

  ofType<Properties>(...types: string[]): Resource<Properties>[] {
    return types.flatMap((type) => this.#byType.get(type) ?? []) as Resource<Properties>[];
  }

  /** The resource that a `Ref` or `Fn::GetAtt` names. */
  behind<Properties>(expression: unknown): Resource<Properties> | undefined {
    return this.#byId.get(referredId(expression) ?? '') as Resource<Properties> | undefined;
  }
}

/** The logical id in `{Ref: id}` or `{'Fn::GetAtt': [id, attribute]}`. */
export function referredId(expression: unknown): string | undefined {
  if (typeof expression !== 'object' || expression === null) return undefined;
  const { Ref, 'Fn::GetAtt': attribute } = expression as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
  return Ref ?? attribute?.[0];
}
