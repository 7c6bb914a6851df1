import { View } from "../lib/view.js";

export class DatasetsView extends View {}
