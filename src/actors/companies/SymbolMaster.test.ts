import { symbolMasterSuite } from "./SymbolMaster.suite.ts"
import { SymbolMaster } from "./SymbolMaster.ts"

symbolMasterSuite("SymbolMaster in memory", SymbolMaster.layerMemory)
