import { useQuery } from "@connectrpc/connect-query";
import { useLocation } from "wouter";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { instanceText } from "../format/instance.ts";
import { useInstance } from "../location/parameters.ts";
import { ALL_INSTANCES, operationsPath } from "../location/paths.ts";

/** Chooses the instance that the page shows; not there when the server has only one. */
export function InstanceSwitcher() {
  const [path, navigate] = useLocation();
  const [instance, setInstance] = useInstance();
  const { data } = useQuery(FarmService.method.listInstances);
  const names = (data?.instances ?? []).map(({ name }) => name);
  if (names.length < 2 && instance === ALL_INSTANCES) return null;
  const choose = (chosen: string) => {
    // An operation is of one instance, whichever is chosen: its list is what can be shown.
    if (path.startsWith("/operations/")) navigate(operationsPath(chosen));
    else setInstance(chosen === ALL_INSTANCES ? undefined : chosen);
  };
  const known = instance === ALL_INSTANCES || names.includes(instance);
  return (
    <label className="instance">
      <span className="label">Instance</span>
      <select aria-label="Instance" value={instance} onChange={({ target }) => choose(target.value)}>
        <option value={ALL_INSTANCES}>all</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {instanceText(name)}
          </option>
        ))}
        {!known && <option value={instance}>{instance}</option>}
      </select>
    </label>
  );
}
