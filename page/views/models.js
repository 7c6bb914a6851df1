import { View } from "../lib/view.js";

export class ModelsView extends View {}
